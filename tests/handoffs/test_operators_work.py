"""Taking over, talking, handing back, refusing and archiving, through HTTP."""

import asyncio

import httpx2
import pytest
from fastapi import FastAPI

from crafter.agents.configuration import AgentPrivacy
from crafter.agents.documents import Agent
from crafter.conversations.documents import Conversation
from crafter.conversations.service import set_lifecycle, set_state
from crafter.core.runtime import Runtime
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply
from tests.fixtures import Cast, client_of
from tests.handoffs.conftest import begin, taken, url, wait_for_human

EXTERNAL = {"external_id": "e-1", "name": "Eve", "email": "eve@example.com", "avatar_url": "https://x.test/e"}


async def test_taking_over_connects_the_customer_with_the_operator(
    as_member: httpx2.AsyncClient, cast: Cast, waiting: Conversation
) -> None:
    body = await taken(as_member, waiting, message="How can I help?")

    operator = {"type": "internal", "id": cast.member.id, "name": "Member", "email": "member@example.com"}
    assert body["success"] is True
    assert body["operator"] == operator
    assert body["message"] == "Conversation taken over successfully"
    shown = body["conversation"]
    assert (shown["status"], shown["current_handler"]) == ("human_controlled", "human")
    assert shown["handoff_info"]["assigned_human"] == cast.member.id
    assert shown["handoff_info"]["handed_off_at"].endswith("Z")
    asked, joined, said = shown["messages"]
    assert asked["role"] == "user"
    assert (joined["role"], joined["code"]) == ("system", "HUMAN_JOINED")
    assert joined["content"] == "You are now connected with Member from our support team."
    assert said["role"] == "human_operator"
    assert said["handler_info"]["human_operator"]["name"] == "Member"
    assert said["handler_info"]["human_operator"]["user_id"] == cast.member.id


async def test_somebody_of_another_system_can_be_the_operator(
    as_member: httpx2.AsyncClient, conversation: Conversation
) -> None:
    body = await taken(as_member, conversation, external_operator=EXTERNAL)
    said = await as_member.post(
        url(conversation, "/message"), json={"message": "Hi", "external_operator_id": "e-1"}
    )
    wrong = await as_member.post(
        url(conversation, "/message"), json={"message": "Hi", "external_operator_id": "e-2"}
    )
    mine = await as_member.get("/handoffs/my-conversations", params={"external_operator_id": "e-1"})

    assert body["operator"] == {
        "type": "external",
        "id": "e-1",
        "name": "Eve",
        "email": "eve@example.com",
        "avatar_url": "https://x.test/e",
    }
    assert body["conversation"]["handoff_info"]["assigned_external_operator"] == EXTERNAL
    last = said.json()["conversation"]["messages"][-1]
    assert last["handler_info"]["external_operator"]["name"] == "Eve"
    assert wrong.status_code == 403
    assert [one["_id"] for one in mine.json()["conversations"]] == [conversation.id]


@pytest.mark.parametrize("operator", [{}, {"name": "Eve"}, {"external_id": "e"}, "Eve"])
async def test_an_external_operator_needs_an_id_and_a_name(
    as_member: httpx2.AsyncClient, waiting: Conversation, operator: object
) -> None:
    response = await as_member.post(url(waiting, "/takeover"), json={"external_operator": operator})

    assert response.status_code == 400
    assert response.json()["error"] == "external_operator requires at least external_id and name"


async def test_of_many_operators_at_once_one_gets_the_conversation(
    app: FastAPI, cast: Cast, waiting: Conversation
) -> None:
    clients = [client_of(app, person) for person in (cast.admin, cast.member) for _ in range(8)]
    answers = await asyncio.gather(*(one.post(url(waiting, "/takeover"), json={}) for one in clients))
    for client in clients:
        await client.aclose()

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [400] * 15
    refused = next(answer for answer in answers if answer.status_code == 400)
    assert refused.json()["error"] == "Conversation already under human control"
    [winner] = [answer.json() for answer in answers if answer.status_code == 200]
    joined = [m for m in winner["conversation"]["messages"] if m["code"] == "HUMAN_JOINED"]
    assert len(joined) == 1
    assert winner["conversation"]["handoff_info"]["assigned_human"] == winner["operator"]["id"]


async def test_a_conversation_that_nobody_has_can_be_taken_although_it_is_with_humans(
    as_member: httpx2.AsyncClient, conversation: Conversation
) -> None:
    human = {"status": "human_controlled", "current_handler": "human"}
    await set_state(conversation.scope, conversation.id, human)

    await taken(as_member, conversation)


async def test_only_the_operator_who_has_it_speaks(
    as_member: httpx2.AsyncClient, as_admin: httpx2.AsyncClient, waiting: Conversation
) -> None:
    early = await as_member.post(url(waiting, "/message"), json={"message": "Hi"})
    await taken(as_member, waiting)
    empty = await as_member.post(url(waiting, "/message"), json={})
    foreign = await as_admin.post(url(waiting, "/message"), json={"message": "Hi"})
    said = await as_member.post(url(waiting, "/message"), json={"message": "Hi"})

    assert (early.status_code, early.json()["error"]) == (403, "Conversation is not under human control")
    assert (empty.status_code, empty.json()["error"]) == (400, "Message is required")
    assert foreign.status_code == 403
    assert foreign.json()["error"] == "Not authorized to send messages in this conversation"
    assert said.json()["message"] == "Message sent successfully"
    assert said.json()["conversation"]["messages"][-1]["content"] == "Hi"


async def test_handing_back_lets_the_agent_answer_again(
    as_member: httpx2.AsyncClient, as_admin: httpx2.AsyncClient, cast: Cast, waiting: Conversation
) -> None:
    early = await as_member.post(url(waiting, "/handback"))
    await taken(as_member, waiting)
    foreign = await as_admin.post(url(waiting, "/handback"))
    back = await as_member.post(url(waiting, "/handback"))

    assert (early.status_code, early.json()["error"]) == (400, "Conversation is not under human control")
    assert (foreign.status_code, foreign.json()["error"]) == (
        403,
        "Not authorized to hand back this conversation",
    )
    body = back.json()
    assert body["message"] == "Conversation handed back to agent"
    assert (body["conversation"]["status"], body["conversation"]["current_handler"]) == (
        "agent_controlled",
        "agent",
    )
    assert body["conversation"]["handoff_info"]["assigned_human"] == cast.member.id
    last = body["conversation"]["messages"][-1]
    assert (last["code"], last["content"]) == ("AI_JOINED", "You are now back with our AI assistant.")


async def test_refusing_makes_the_agent_go_on_at_once(
    as_member: httpx2.AsyncClient, cast: Cast, waiting: Conversation, provider: FakeProvider
) -> None:
    provider.script(Reply("Nobody can come, but I can help."))

    refused = await as_member.post(url(waiting, "/refuse"), json={"reason": "Lunch"})
    again = await as_member.post(url(waiting, "/refuse"), json={})

    body = refused.json()
    assert body["success"] is True
    assert body["message"] == "Handoff refused and conversation returned to AI"
    assert body["ai_response"] == "Nobody can come, but I can help."
    assert body["token_usage"]["total_tokens"] > 0
    assert (again.status_code, again.json()["current_status"]) == (400, "agent_controlled")
    assert again.json()["error"] == "Conversation is not in a pending handoff state"
    shown = (await as_member.get(url(waiting))).json()["conversation"]
    info = shown["handoff_info"]
    assert (shown["status"], info["refused_by"], info["refusal_reason"]) == (
        "agent_controlled",
        cast.member.id,
        "Lunch",
    )
    assert [m["role"] for m in shown["messages"]] == ["user", "system", "assistant"]
    assert shown["messages"][1]["code"] == "HANDOFF_REFUSED"


async def test_a_refusal_stands_when_the_agent_cannot_answer(
    as_member: httpx2.AsyncClient, waiting: Conversation, provider: FakeProvider
) -> None:
    provider.script(Failure(500, "boom"))

    body = (await as_member.post(url(waiting, "/refuse"), json={})).json()

    assert (body["success"], body["ai_response"], body["token_usage"]) == (True, None, None)
    assert (await as_member.get(url(waiting))).json()["conversation"]["status"] == "agent_controlled"


async def test_archiving_toggles_and_a_new_message_takes_it_back(
    as_member: httpx2.AsyncClient, conversation: Conversation
) -> None:
    first = (await as_member.patch(url(conversation, "/archive"))).json()
    second = (await as_member.patch(url(conversation, "/archive"))).json()
    third = (await as_member.patch(url(conversation, "/archive"), json={"archived": True})).json()
    body = await taken(as_member, conversation)

    assert [(one["archived"], one["message"]) for one in (first, second, third)] == [
        (True, "Conversation archived"),
        (False, "Conversation unarchived"),
        (True, "Conversation archived"),
    ]
    assert body["conversation"]["archived"] is False


async def test_a_closed_conversation_is_not_taken_over(
    as_member: httpx2.AsyncClient, waiting: Conversation
) -> None:
    await set_lifecycle(waiting.scope, waiting.id, "archived")

    response = await as_member.post(url(waiting, "/takeover"), json={})

    assert (response.status_code, response.json()["code"]) == (409, "CONVERSATION_ARCHIVED")


async def test_what_operators_write_is_encrypted_where_the_agent_asks_for_it(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    private: Agent = await make_agent(
        cast.project, runtime.keyring, name="private", gdpr=AgentPrivacy(encrypt_messages=True)
    )
    conversation = await wait_for_human(await begin(private))

    body = await taken(as_member, conversation, message="canary")

    raw = await Conversation.within(private.scope).find_one({"_id": conversation.id})
    assert "canary" not in str(raw)
    assert body["conversation"]["messages"][-1]["content"] == "canary"


async def test_details_name_the_agent(
    as_viewer: httpx2.AsyncClient, agent: Agent, conversation: Conversation
) -> None:
    body = (await as_viewer.get(url(conversation))).json()

    assert body["success"] is True
    assert body["messaging_window"] is None
    shown = body["conversation"]
    assert shown["agent"] == {
        "_id": agent.id,
        "id": agent.id,
        "name": "helper",
        "type": "chatbot",
        "description": "Helps",
    }
    assert (shown["_id"], shown["message_count"], shown["messages_truncated"]) == (conversation.id, 1, False)


async def test_viewers_look_and_do_not_touch(as_viewer: httpx2.AsyncClient, waiting: Conversation) -> None:
    for method, tail in (("POST", "/takeover"), ("POST", "/refuse"), ("PATCH", "/archive")):
        response = await as_viewer.request(method, url(waiting, tail), json={})
        assert response.status_code == 403
        assert response.json()["error"] == "Access denied: member role required"


async def test_others_cannot_tell_that_a_conversation_is_there(
    as_outsider: httpx2.AsyncClient, waiting: Conversation
) -> None:
    for method, tail in (
        ("GET", ""),
        ("GET", "/messages/latest"),
        ("POST", "/takeover"),
        ("POST", "/message"),
    ):
        response = await as_outsider.request(method, url(waiting, tail), json={"message": "x"})
        assert (response.status_code, response.json()["error"]) == (404, "Conversation not found")


async def test_what_a_member_has_who_leaves_can_be_taken_over(
    as_member: httpx2.AsyncClient, as_admin: httpx2.AsyncClient, cast: Cast, waiting: Conversation
) -> None:
    await taken(as_member, waiting)

    await as_admin.delete(f"/organizations/{cast.organization.id}/members/{cast.member.id}")
    body = await taken(as_admin, waiting)

    assert body["operator"]["id"] == cast.admin.id
