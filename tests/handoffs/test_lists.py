"""The lists of the operator surface: whose conversations they show, in which order, and how much of each."""

from datetime import timedelta

import httpx2

from crafter.agents.documents import Agent
from crafter.conversations import messages as message_store
from crafter.conversations.documents import Conversation, Message
from crafter.conversations.service import set_state
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.organizations.permissions import Role
from tests.factories import make_agent, make_organization, make_project
from tests.fixtures import Cast
from tests.handoffs.conftest import begin, taken, wait_for_human


def ids(response: httpx2.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [one["_id"] for one in response.json()["conversations"]]


async def test_pending_shows_the_latest_request_first_with_its_agent_and_messages(
    as_viewer: httpx2.AsyncClient, agent: Agent, waiting: Conversation, conversation: Conversation
) -> None:
    earlier = {"handoff_info.requested_at": utc_now() - timedelta(hours=1), "handoff_info.urgency": "low"}
    older = await wait_for_human(await begin(agent), **earlier)

    response = await as_viewer.get("/handoffs/pending")
    urgent = await as_viewer.get("/handoffs/pending", params={"urgency": "high"})
    second = await as_viewer.get("/handoffs/pending", params={"page": 2, "limit": 1})

    assert ids(response) == [waiting.id, older.id]
    assert response.json()["pagination"] == {"page": 1, "limit": 20, "total": 2, "pages": 1}
    shown = response.json()["conversations"][0]
    assert shown["agent"] == {"_id": agent.id, "id": agent.id, "name": "helper", "type": "chatbot"}
    assert [message["content"] for message in shown["messages"]] == ["Hello"]
    assert (shown["message_count"], shown["handoff_info"]["reason"]) == (1, "wants human")
    assert ids(urgent) == [waiting.id]
    assert ids(second) == [older.id]
    assert second.json()["pagination"] == {"page": 2, "limit": 1, "total": 2, "pages": 2}


async def test_pending_reaches_over_all_organizations_of_the_caller_and_no_others(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, waiting: Conversation
) -> None:
    second = await make_organization(cast.outsider, (cast.member, Role.viewer), name="Second")
    there = await make_agent(await make_project(second), runtime.keyring)
    too = await wait_for_human(await begin(there))
    foreign = await make_agent(cast.other_project, runtime.keyring)
    await wait_for_human(await begin(foreign))

    async def pending(**params: str) -> set[str]:
        return set(ids(await as_member.get("/handoffs/pending", params=params)))

    assert await pending() == {waiting.id, too.id}
    assert await pending(organizationId=second.id) == {too.id}
    assert await pending(projectId=cast.project.id) == {waiting.id}
    assert await pending(organizationId=cast.other_organization.id) == set()
    assert await pending(projectId=cast.other_project.id) == set()


async def test_an_organizations_lists_are_for_its_members(
    as_viewer: httpx2.AsyncClient, as_outsider: httpx2.AsyncClient, cast: Cast, waiting: Conversation
) -> None:
    for tail in ("pending", "conversations"):
        path = f"/handoffs/organizations/{cast.organization.id}/{tail}"
        assert ids(await as_viewer.get(path)) == [waiting.id]
        refused = await as_outsider.get(path)
        assert refused.status_code == 403


async def test_my_conversations_are_those_that_i_have(
    as_member: httpx2.AsyncClient, as_admin: httpx2.AsyncClient, agent: Agent, waiting: Conversation
) -> None:
    other = await begin(agent)
    await taken(as_member, waiting)
    await taken(as_admin, other)

    assert ids(await as_member.get("/handoffs/my-conversations")) == [waiting.id]
    assert ids(await as_admin.get("/handoffs/my-conversations")) == [other.id]


async def test_an_organizations_conversations_are_filtered(
    as_viewer: httpx2.AsyncClient, cast: Cast, agent: Agent, waiting: Conversation
) -> None:
    mail = await begin(agent, channel="email")
    gone = await begin(agent)
    await set_state(agent.scope, gone.id, {"archived": True})
    path = f"/handoffs/organizations/{cast.organization.id}/conversations"

    async def listed(**params: str) -> set[str]:
        return set(ids(await as_viewer.get(path, params=params)))

    assert await listed() == {waiting.id, mail.id, gone.id}
    assert await listed(status="handoff_requested") == {waiting.id}
    assert await listed(channel="email,whatsapp") == {mail.id}
    assert await listed(archived="true") == {gone.id}
    assert await listed(archived="false") == {waiting.id, mail.id}
    assert await listed(conversationIds=f"{mail.id},{gone.id}") == {mail.id, gone.id}


async def test_a_list_shows_the_newest_messages_of_a_long_conversation(
    as_viewer: httpx2.AsyncClient, agent: Agent, waiting: Conversation
) -> None:
    many = [{"role": "user", "content": f"m{n}", "timestamp": utc_now()} for n in range(300)]
    await Conversation.within(agent.scope).update_one({"_id": waiting.id}, {"$set": {"messages": many}})

    [shown] = (await as_viewer.get("/handoffs/pending")).json()["conversations"]

    assert (shown["message_count"], shown["messages_truncated"]) == (300, True)
    assert [shown["messages"][0]["content"], shown["messages"][-1]["content"]] == ["m100", "m299"]
    assert len(shown["messages"]) == 200
    assert (shown["messages"][0]["seq"], shown["messages"][-1]["seq"]) == (101, 300)


async def test_a_conversation_whose_agent_is_gone_is_still_shown(
    as_viewer: httpx2.AsyncClient, agent: Agent, waiting: Conversation
) -> None:
    await Agent.within(agent.scope).delete_one({"_id": agent.id})
    await message_store.append_messages(agent.scope, waiting.id, [Message(role="user", content="x")])

    [shown] = (await as_viewer.get("/handoffs/pending")).json()["conversations"]

    assert shown["agent"] == {"_id": agent.id, "id": agent.id}
