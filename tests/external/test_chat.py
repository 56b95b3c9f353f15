"""Programs and their end users talk to agents: bodies, answers, streams, and whose conversation it is."""

import json
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from crafter.agents.documents import Agent
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Conversation
from crafter.core.runtime import Runtime
from crafter.sessions.documents import SessionToken
from crafter.user_api_keys.documents import UserApiKey
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply
from tests.fixtures import Cast
from tests.programs import change_key, make_platform_key, make_session, program
from tests.world import snapshot

CHAT = "/external/agents/chat"
ASK: dict[str, Any] = {
    "message": "Hello",
    "conversationId": None,
    "userIdentifier": None,
    "dynamicContext": {},
}


def key_chat(agent: Agent) -> str:
    return f"/external/organizations/{agent.organization}/projects/{agent.project}/agents/{agent.id}/chat"


def direct_stream(agent: Agent) -> str:
    return f"/organizations/{agent.organization}/projects/{agent.project}/agents/{agent.id}/chat/stream"


def frames(text: str) -> list[dict[str, Any]]:
    return [json.loads(part.removeprefix("data: ")) for part in text.split("\n\n") if part]


async def stored(agent: Agent, conversation_id: str) -> dict[str, Any]:
    raw = await Conversation.within(agent.scope).find_one({"_id": conversation_id})
    assert raw is not None
    return raw


async def test_an_end_user_gets_the_answer_and_what_is_left_of_the_session(
    as_visitor: httpx2.AsyncClient,
    session: SessionToken,
    agent: Agent,
    key: UserApiKey,
    provider: FakeProvider,
) -> None:
    provider.script(Reply("Hi there"))

    response = await as_visitor.post(CHAT, json=ASK)

    body = response.json()
    assert response.status_code == 200
    assert set(body) == {"conversation_id", "message_id", "response", "session_info", "data"}
    assert body["response"] == "Hi there"
    assert body["data"] == {"conversation_id": body["conversation_id"], "response": "Hi there"}
    assert body["session_info"]["session_id"] == session.id
    assert body["session_info"]["remaining_interactions"] == 99
    assert body["session_info"]["expires_at"].endswith("Z")
    raw = await stored(agent, body["conversation_id"])
    assert (raw["user_api_key"], raw["user_identifier"]) == (key.id, f"session_{session.id}")
    assert "user" not in raw
    assert [message["content"] for message in raw["messages"]] == ["Hello", "Hi there"]
    assert "user" not in raw["messages"][0]


async def test_a_program_gets_the_whole_answer_and_what_is_left_of_its_day(
    as_program: httpx2.AsyncClient, agent: Agent, key: UserApiKey
) -> None:
    unlimited = (await as_program.post(key_chat(agent), json=ASK)).json()
    await change_key(key, **{"restrictions.max_executions_per_day": 1000})
    limited = (await as_program.post(key_chat(agent), json=ASK)).json()

    assert unlimited["api_key_info"] == {"api_key_id": key.id, "daily_limit_remaining": None}
    assert limited["api_key_info"] == {"api_key_id": key.id, "daily_limit_remaining": 998}
    assert limited["token_usage"]["total_tokens"] > 0
    assert limited["tools_used"] == []
    assert [step["step"] for step in limited["thinking_process"]] == ["analyze_input", "final_response"]
    assert limited["data"]["response"] == limited["response"]
    assert (await stored(agent, limited["conversation_id"]))["user_identifier"] == f"apikey_{key.id}"


async def test_the_optional_fields_are_used_when_they_are_given(
    as_visitor: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    context = {"url": "https://shop.example.com/cart", "userAgent": "Mozilla"}
    first = await as_visitor.post(
        CHAT, json={**ASK, "userIdentifier": "anonymous", "dynamicContext": context, "files": []}
    )
    conversation_id = first.json()["conversation_id"]

    again = await as_visitor.post(CHAT, json={"message": "And?", "conversationId": conversation_id})

    assert again.json()["conversation_id"] == conversation_id
    raw = await stored(agent, conversation_id)
    assert (raw["user_identifier"], raw["dynamic_context"]) == ("anonymous", context)
    assert "shop.example.com/cart" in provider.requests[-1].body["messages"][1]["content"]


@pytest.mark.parametrize("blank", [None, ""])
async def test_null_and_blank_count_as_not_given(as_visitor: httpx2.AsyncClient, blank: str | None) -> None:
    body = {"message": "Hello", "conversationId": blank, "userIdentifier": blank, "files": None}

    assert (await as_visitor.post(CHAT, json=body)).status_code == 200


@pytest.mark.parametrize(
    ("body", "path", "sentence"),
    [
        ({}, "message", None),
        ({"message": None}, "message", None),
        ({"message": "  "}, "message", None),
        ({"message": "x" * 4001}, "message", "must be less than 4000 characters"),
        ({"userIdentifier": "x" * 101}, "userIdentifier", "User identifier must be less than 100 characters"),
        ({"userIdentifier": {"$ne": None}}, "userIdentifier", None),
        ({"conversationId": {"$gt": ""}}, "conversationId", None),
        ({"dynamicContext": []}, "dynamicContext", None),
        ({"dynamicContext": {"$where": "1"}}, "dynamicContext", None),
        ({"files": ["a"] * 6}, "files", "Files must be an array of up to 5 file IDs"),
        ({"files": [1]}, "files", None),
    ],
)
async def test_a_field_that_is_wrong_is_named(
    as_visitor: httpx2.AsyncClient,
    as_program: httpx2.AsyncClient,
    agent: Agent,
    provider: FakeProvider,
    body: dict[str, Any],
    path: str,
    sentence: str | None,
) -> None:
    given = body if "message" in body or not body else {"message": "Hello", **body}

    for client, url in ((as_visitor, CHAT), (as_visitor, f"{CHAT}/stream"), (as_program, key_chat(agent))):
        response = await client.post(url, json=given)

        error = response.json()["errors"][0]
        assert response.status_code == 400
        assert error["path"].startswith(path)
        assert (sentence or "") in error["msg"]
    assert len(provider.requests) == 0


async def test_a_message_may_have_four_thousand_characters(as_visitor: httpx2.AsyncClient) -> None:
    response = await as_visitor.post(CHAT, json={"message": "\U0001f600" * 4000})

    assert response.status_code == 200


async def test_a_file_that_nobody_uploaded_is_not_found(as_visitor: httpx2.AsyncClient) -> None:
    response = await as_visitor.post(CHAT, json={**ASK, "files": ["0f4d2a1c-6a0e-4b6e-8a3c-5d3f0c9b7e21"]})

    assert (response.status_code, response.json()["code"]) == (404, "UPLOAD_NOT_FOUND")


async def test_an_end_users_stream_ends_with_the_session(
    as_visitor: httpx2.AsyncClient, session: SessionToken, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(Reply("Hel lo ünd"))

    response = await as_visitor.post(f"{CHAT}/stream", json=ASK)

    first, *chunks, last = frames(response.text)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert first == {"type": "connected", "message": "Stream established"}
    assert "".join(chunk["content"] for chunk in chunks) == "Hel lo ünd"
    assert set(last) == {
        "type",
        "conversation_id",
        "message_id",
        "handoff_requested",
        "handoff_info",
        "session_info",
    }
    assert last["session_info"]["session_id"] == session.id
    assert last["session_info"]["remaining_interactions"] == 99
    raw = await stored(agent, last["conversation_id"])
    assert str(raw["messages"][1]["_id"]) == last["message_id"]


async def test_a_program_streams_from_the_route_for_people(
    as_program: httpx2.AsyncClient, agent: Agent, key: UserApiKey
) -> None:
    response = await as_program.post(direct_stream(agent), json=ASK)

    last = frames(response.text)[-1]
    assert last["type"] == "complete"
    assert last["token_usage"]["total_tokens"] > 0
    assert "session_info" not in last
    raw = await stored(agent, last["conversation_id"])
    assert (raw["user_api_key"], raw["user_identifier"]) == (key.id, f"apikey_{key.id}")

    again = {"message": "And?", "conversationId": last["conversation_id"], "userIdentifier": "u"}
    continued = frames((await as_program.post(direct_stream(agent), json=again)).text)[-1]
    assert continued["conversation_id"] == last["conversation_id"]


async def test_a_person_still_has_to_name_the_user_there(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    missing = await as_member.post(direct_stream(agent), json={"message": "Hello"})
    camel = await as_member.post(direct_stream(agent), json={"message": "Hello", "userIdentifier": "u"})

    assert missing.status_code == 400
    assert missing.json()["errors"][0]["path"] == "user_identifier"
    assert frames(camel.text)[-1]["type"] == "complete"


async def test_a_key_without_the_scope_does_not_stream_from_the_route_for_people(
    app: FastAPI, cast: Cast, agent: Agent
) -> None:
    value, _ = await make_platform_key(cast.member, cast.organization, scopes=["agents:read"])
    async with program(app, authorization=f"Bearer {value}") as client:
        response = await client.post(direct_stream(agent), json=ASK)

    assert (response.status_code, response.json()["code"]) == (403, "INSUFFICIENT_PERMISSIONS")


@pytest.mark.parametrize(("status", "waiting"), [("handoff_requested", True), ("human_controlled", False)])
async def test_no_model_answers_an_end_user_while_a_person_is_asked_for_or_in_charge(
    as_visitor: httpx2.AsyncClient, agent: Agent, provider: FakeProvider, status: str, waiting: bool
) -> None:
    conversation_id = (await as_visitor.post(CHAT, json=ASK)).json()["conversation_id"]
    await Conversation.within(agent.scope).update_one({"_id": conversation_id}, {"$set": {"status": status}})
    ask = {**ASK, "conversationId": conversation_id}

    body = (await as_visitor.post(CHAT, json=ask)).json()
    last = frames((await as_visitor.post(f"{CHAT}/stream", json=ask)).text)[-1]

    assert (body["handoff_requested"], body["handoff_info"]["urgency"]) == (waiting, "medium")
    assert body["session_info"]["remaining_interactions"] == 98
    assert (last["handoff_requested"], last["message_id"]) == (waiting, None)
    assert len(provider.requests) == 1


async def test_an_agent_that_is_off_hands_the_end_user_over(
    as_visitor: httpx2.AsyncClient, as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    agents = f"/organizations/{agent.organization}/projects/{agent.project}/agents/{agent.id}"
    await as_member.put(f"{agents}/status", json={"is_active": False})

    body = (await as_visitor.post(CHAT, json=ASK)).json()

    assert body["response"].startswith("This agent is currently unavailable.")
    assert body["current_handler"] == "human"
    assert "token_usage" not in body


async def test_a_task_agent_does_not_chat_with_programs(
    as_program: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    task = await make_agent(cast.project, runtime.keyring, name="task", type="task")

    response = await as_program.post(key_chat(task), json=ASK)

    assert (response.status_code, response.json()["error"]) == (400, "Agent is not a chatbot type")


async def test_another_session_of_the_same_key_goes_on_in_the_conversation(
    app: FastAPI, as_visitor: httpx2.AsyncClient, cast: Cast, key: UserApiKey, agent: Agent
) -> None:
    conversation_id = (await as_visitor.post(CHAT, json=ASK)).json()["conversation_id"]
    token, _ = await make_session(key, cast.project, agent.id)

    async with program(app, x_session_token=token) as later:
        response = await later.post(CHAT, json={**ASK, "conversationId": conversation_id})

    assert response.json()["conversation_id"] == conversation_id


async def test_a_conversation_of_another_key_another_agent_or_a_person_is_not_there(
    app: FastAPI,
    as_visitor: httpx2.AsyncClient,
    as_program: httpx2.AsyncClient,
    cast: Cast,
    key: UserApiKey,
    agent: Agent,
    runtime: Runtime,
) -> None:
    _, others = await make_platform_key(cast.member, cast.organization)
    second = await make_agent(cast.project, runtime.keyring, name="second")
    hidden = [
        await conversation_service.create_conversation(
            agent, user=None, user_identifier="u", user_api_key=others.id
        ),
        await conversation_service.create_conversation(
            second, user=None, user_identifier="u", user_api_key=key.id
        ),
        await conversation_service.create_conversation(agent, user=cast.admin.id, user_identifier="u"),
    ]

    for conversation_id in [*(conversation.id for conversation in hidden), "nowhere"]:
        ask = {**ASK, "conversationId": conversation_id}
        for client, url in (
            (as_visitor, CHAT),
            (as_visitor, f"{CHAT}/stream"),
            (as_program, key_chat(agent)),
            (as_program, direct_stream(agent)),
        ):
            response = await client.post(url, json=ask)
            assert response.status_code == 404, (url, response.text)
            assert response.json()["error"] == "Conversation not found or does not belong to this agent"
    for conversation in hidden:
        assert (await stored(agent, conversation.id))["messages"] == []


async def test_a_conversation_of_the_node_server_stays_reachable_through_its_agent(
    as_visitor: httpx2.AsyncClient, as_program: httpx2.AsyncClient, agent: Agent
) -> None:
    old = await conversation_service.create_conversation(agent, user=None, user_identifier="session_x")
    ask = {**ASK, "conversationId": old.id}

    for client, url in ((as_visitor, CHAT), (as_program, key_chat(agent))):
        assert (await client.post(url, json=ask)).json()["conversation_id"] == old.id


async def test_people_go_on_in_what_a_program_began(
    as_visitor: httpx2.AsyncClient, as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    conversation_id = (await as_visitor.post(CHAT, json=ASK)).json()["conversation_id"]
    chat = direct_stream(agent).removesuffix("/stream")

    body = {"message": "Hello", "user_identifier": "u", "conversation_id": conversation_id}

    assert (await as_member.post(chat, json=body)).json()["conversation_id"] == conversation_id


async def test_a_key_may_never_do_more_than_its_person(app: FastAPI, cast: Cast, runtime: Runtime) -> None:
    value, _ = await make_platform_key(cast.viewer, cast.organization)
    chat = f"/external/organizations/{cast.organization.id}/projects/{cast.project.id}/agents/a/chat"
    before = await snapshot(runtime)
    async with program(app, x_api_key=value) as client:
        response = await client.post(chat, json={"message": "Hello"})

    body = response.json()
    assert (response.status_code, body["code"]) == (403, "INSUFFICIENT_PERMISSIONS")
    assert body["error"] == "Access denied: member role required"
    assert await snapshot(runtime) == before
