"""Handoffs, operators and polling for programs: with platform keys, and with sessions."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from crafter.agents.documents import Agent
from crafter.conversations import messages as message_store
from crafter.conversations.documents import Conversation, Message
from crafter.conversations.service import create_conversation, set_state
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now, wire_time
from tests.factories import make_agent, make_project
from tests.fixtures import Cast
from tests.handoffs.conftest import begin, wait_for_human
from tests.programs import make_platform_key, make_session, program

EVE = {"external_id": "e-1", "name": "Eve"}


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    made: Agent = await make_agent(cast.project, runtime.keyring, name="helper")
    return made


@pytest.fixture
async def waiting(agent: Agent) -> Conversation:
    return await wait_for_human(await begin(agent))


@pytest.fixture
def path(cast: Cast) -> str:
    return f"/external/organizations/{cast.organization.id}/projects/{cast.project.id}"


@pytest.fixture
async def desk(app: FastAPI, cast: Cast) -> AsyncIterator[httpx2.AsyncClient]:
    """Another system's help desk."""
    value, _ = await make_platform_key(cast.member, cast.organization, scopes=["handoffs:manage"])
    async with program(app, x_api_key=value) as client:
        yield client


async def test_a_help_desk_handles_a_conversation_from_the_request_to_the_end(
    desk: httpx2.AsyncClient, path: str, waiting: Conversation
) -> None:
    conversation = f"{path}/conversations/{waiting.id}"
    speaks = {"external_operator_id": "e-1"}

    pending = (await desk.get(f"{path}/handoffs/pending")).json()
    taken = await desk.post(f"{conversation}/takeover", json={"external_operator": EVE, "message": "Hi"})
    again = await desk.post(f"{conversation}/takeover", json={"external_operator": EVE})
    mine = (await desk.get(f"{path}/handoffs/my-conversations", params=speaks)).json()
    unnamed = await desk.post(f"{conversation}/message", json={"message": "Hm"})
    said = await desk.post(f"{conversation}/message", json={"message": "Bye", **speaks})
    back = await desk.post(f"{conversation}/handback", json=speaks)
    read = (await desk.get(conversation)).json()

    assert [one["_id"] for one in pending["conversations"]] == [waiting.id]
    assert taken.json()["operator"] == {"type": "external", "id": "e-1", "name": "Eve"}
    assert (again.status_code, again.json()["error"]) == (400, "Conversation already under human control")
    assert [one["_id"] for one in mine["conversations"]] == [waiting.id]
    assert unnamed.status_code == 403
    assert said.json()["message"] == "Message sent successfully"
    assert back.json()["conversation"]["status"] == "agent_controlled"
    assert [m["role"] for m in read["conversation"]["messages"]] == [
        "user",
        "system",
        "human_operator",
        "human_operator",
        "system",
    ]


async def test_a_help_desk_sees_its_own_project_only(
    desk: httpx2.AsyncClient, cast: Cast, runtime: Runtime, path: str, waiting: Conversation
) -> None:
    elsewhere = await make_project(cast.organization, "Elsewhere")
    other = await make_agent(elsewhere, runtime.keyring, name="other")
    theirs = await wait_for_human(await begin(other))

    pending = (await desk.get(f"{path}/handoffs/pending")).json()
    foreign = await desk.get(f"{path}/conversations/{theirs.id}")

    assert [one["_id"] for one in pending["conversations"]] == [waiting.id]
    assert (foreign.status_code, foreign.json()["error"]) == (404, "Conversation not found")


async def test_a_help_desk_keeps_its_operators(desk: httpx2.AsyncClient, path: str) -> None:
    made = (await desk.put(f"{path}/operators", json={**EVE, "status": "online"})).json()
    changed = (await desk.patch(f"{path}/operators/e-1/status", json={"status": "busy"})).json()
    bulk = (await desk.patch(f"{path}/operators/bulk/status", json={"status": "offline"})).json()
    listed = (await desk.get(f"{path}/operators", params={"status": "offline"})).json()
    read = (await desk.get(f"{path}/operators/e-1")).json()
    deleted = (await desk.delete(f"{path}/operators/e-1")).json()

    assert (made["operator"]["status"], changed["operator"]["status"]) == ("online", "busy")
    assert bulk == {"success": True, "modified_count": 1}
    assert [one["external_id"] for one in listed["operators"]] == ["e-1"]
    assert read["operator"]["name"] == "Eve"
    assert deleted == {"success": True, "message": "Operator deleted"}


@pytest.mark.parametrize("scopes", [["agents:chat"], ["agents:read", "projects:read"]])
async def test_other_scopes_do_not_open_the_help_desk(
    app: FastAPI, cast: Cast, path: str, waiting: Conversation, scopes: list[str]
) -> None:
    value, _ = await make_platform_key(cast.member, cast.organization, scopes=scopes)
    async with program(app, x_api_key=value) as client:
        for tail in ("handoffs/pending", f"conversations/{waiting.id}", f"conversations/{waiting.id}/stream"):
            response = await client.get(f"{path}/{tail}")
            assert (response.status_code, response.json()["required_scopes"]) == (403, ["handoffs:manage"])


async def test_a_viewers_key_does_not_handle_conversations(app: FastAPI, cast: Cast, path: str) -> None:
    value, _ = await make_platform_key(cast.viewer, cast.organization, scopes=["handoffs:manage"])
    async with program(app, x_api_key=value) as client:
        response = await client.get(f"{path}/handoffs/pending")

    assert response.status_code == 403


async def begun_by(key_id: str | None, agent: Agent, *, user: str | None = None) -> Conversation:
    conversation = await create_conversation(agent, user=user, user_identifier="u", user_api_key=key_id)
    await message_store.append_messages(
        agent.scope, conversation.id, [Message(role="human_operator", content="Hi")]
    )
    return conversation


async def contents(client: httpx2.AsyncClient, address: str) -> list[str] | int:
    since = wire_time(utc_now() - timedelta(hours=1))
    response = await client.get(address, params={"since": since})
    if response.status_code != 200:
        return response.status_code
    body: dict[str, Any] = response.json()
    return [message["content"] for message in body["new_messages"]]


async def test_sessions_poll_the_conversations_of_their_agent_and_key_for_nothing(
    app: FastAPI, cast: Cast, runtime: Runtime, agent: Agent
) -> None:
    _, key = await make_platform_key(cast.member, cast.organization)
    _, other_key = await make_platform_key(cast.member, cast.organization)
    token, session = await make_session(key, cast.project, agent.id)
    other_agent = await make_agent(cast.project, runtime.keyring, name="other")
    own, unmarked = await begun_by(key.id, agent), await begun_by(None, agent)
    hidden = [
        await begun_by(other_key.id, agent),
        await begun_by(None, agent, user=cast.member.id),
        await begun_by(key.id, other_agent),
    ]

    async with program(app, x_session_token=token) as client:
        addresses = [f"/external/conversations/{one.id}/messages/latest" for one in (own, unmarked, *hidden)]
        polled = [await contents(client, address) for address in addresses]

    assert polled == [["Hi"], ["Hi"], 404, 404, 404]
    raw = await type(session).within(session.scope).find_one({"_id": session.id})
    assert raw is not None
    assert raw["interactions_used"] == 0


async def test_keys_poll_their_conversations_in_their_projects(
    app: FastAPI, cast: Cast, path: str, agent: Agent
) -> None:
    elsewhere = await make_project(cast.organization, "Elsewhere")
    value, key = await make_platform_key(cast.member, cast.organization, scopes=["agents:chat"])
    bound, bound_key = await make_platform_key(
        cast.member, cast.organization, allowed_projects=[elsewhere.id]
    )
    own, foreign = await begun_by(key.id, agent), await begun_by(bound_key.id, agent)

    async with program(app, x_api_key=value) as client:
        for prefix in ("/external", path):
            polled = [
                await contents(client, f"{prefix}/conversations/{one.id}/messages/latest")
                for one in (own, foreign)
            ]
            assert polled == [["Hi"], 404]
    async with program(app, x_api_key=bound) as client:
        assert await contents(client, f"/external/conversations/{foreign.id}/messages/latest") == 404


async def test_the_widget_learns_that_a_human_is_there(
    app: FastAPI, cast: Cast, agent: Agent, desk: httpx2.AsyncClient, path: str
) -> None:
    _, key = await make_platform_key(cast.member, cast.organization)
    token, _session = await make_session(key, cast.project, agent.id)
    conversation = await begun_by(key.id, agent)
    await set_state(agent.scope, conversation.id, {"status": "handoff_requested"})

    async with program(app, x_session_token=token) as widget:
        address = f"/external/conversations/{conversation.id}/messages/latest"
        before = (await widget.get(address)).json()
        await desk.post(
            f"{path}/conversations/{conversation.id}/takeover",
            json={"external_operator": EVE, "message": "Hello"},
        )
        after = (await widget.get(address, params={"since": before["last_poll"]})).json()

    assert (before["handoff_active"], before["conversation_status"]) == (True, "handoff_requested")
    assert (after["current_handler"], after["operator_info"]) == ("human", {"name": "Eve"})
    assert [m["role"] for m in after["new_messages"]] == ["system", "human_operator"]


async def test_without_credentials_polling_says_which_are_welcome(
    as_nobody: httpx2.AsyncClient, waiting: Conversation
) -> None:
    response = await as_nobody.get(f"/external/conversations/{waiting.id}/messages/latest")

    assert (response.status_code, response.json()["code"]) == (401, "AUTH_REQUIRED")
    assert len(response.json()["accepted_methods"]) == 2
