"""Talking to an agent through HTTP, to a vendor that is a real server."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from crafter.agents.configuration import AgentPrivacy
from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.conversations.documents import Conversation
from crafter.core.runtime import Runtime
from crafter.providers.documents import Provider
from tests.factories import make_agent, make_key
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, half_stream
from tests.fixtures import Cast

ASK = {"message": "Hello", "user_identifier": "user-123", "conversation_id": None}


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    return await make_agent(cast.project, runtime.keyring, name="helper")


def url(agent: Agent, tail: str = "/chat") -> str:
    return f"/organizations/{agent.organization}/projects/{agent.project}/agents/{agent.id}{tail}"


async def conversation_of(client: httpx2.AsyncClient, agent: Agent, conversation_id: str) -> dict[str, Any]:
    response = await client.get(url(agent, f"/conversations/{conversation_id}"))
    assert response.status_code == 200
    return response.json()


def frames(text: str) -> list[dict[str, Any]]:
    parts = text.split("\n\n")
    assert parts[-1] == ""
    assert all(part.startswith("data: ") and "\n" not in part for part in parts[:-1])
    return [json.loads(part.removeprefix("data: ")) for part in parts[:-1]]


async def test_an_answer_comes_back_and_is_stored_with_its_usage(
    as_member: httpx2.AsyncClient, agent: Agent, cast: Cast, provider: FakeProvider
) -> None:
    provider.script(
        Reply(
            "Hi there",
            usage={
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 15,
                "prompt_tokens_details": {"cached_tokens": 2},
            },
        )
    )

    response = await as_member.post(url(agent), json=ASK)

    body = response.json()
    assert response.status_code == 200
    assert body["response"] == "Hi there"
    assert body["tools_used"] == []
    assert [step["step"] for step in body["thinking_process"]] == ["analyze_input", "final_response"]
    assert body["token_usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "cached_tokens": 2,
        "cost": 4.23e-06,
    }
    stored = await conversation_of(as_member, agent, body["conversation_id"])
    question, answer = stored["messages"]
    assert (question["role"], question["content"], question["seq"]) == ("user", "Hello", 1)
    assert (answer["role"], answer["content"], answer["seq"]) == ("assistant", "Hi there", 2)
    assert answer["_id"] == body["message_id"]
    assert answer["token_usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "cost": 4.23e-06,
    }
    assert answer["metadata"]["state"] == "complete"
    assert stored["metadata"]["total_tokens_used"] == 15
    assert stored["metadata"]["total_cost"] == 4.23e-06
    assert (stored["title"], stored["user"], stored["user_identifier"]) == (
        "New Conversation",
        cast.member.id,
        "user-123",
    )


async def test_the_vendor_gets_the_prompt_word_for_word_the_parameters_and_the_agents_own_key(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    key = await make_key(cast.project, runtime.keyring, secret="sk-live-its-own-0123456789")
    prompt = "You are <kind>.\n\n{{not a template}} ümläut"
    agent = await make_agent(cast.project, runtime.keyring, key=key, system_prompt=prompt)

    await as_member.post(url(agent), json=ASK)

    [request] = provider.requests
    assert request.key == "sk-live-its-own-0123456789"
    assert request.body["messages"] == [
        {"role": "system", "content": prompt},
        {"role": "user", "content": "Hello"},
    ]
    sent = {
        name: request.body[name]
        for name in (
            "model",
            "temperature",
            "top_p",
            "max_completion_tokens",
            "frequency_penalty",
            "presence_penalty",
            "prompt_cache_key",
        )
    }
    assert sent == {
        "model": "gpt-4o-mini",
        "temperature": 0.7,
        "top_p": 1,
        "max_completion_tokens": 1000,
        "frequency_penalty": 0,
        "presence_penalty": 0,
        "prompt_cache_key": f"agent_{agent.id}",
    }
    assert "max_tokens" not in request.body
    assert "tools" not in request.body


async def test_what_a_vendor_does_not_take_is_left_out_and_recorded(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    key = await make_key(cast.project, runtime.keyring, provider="google", secret="google-0123456789")
    agent = await make_agent(cast.project, runtime.keyring, key=key)

    body = (await as_member.post(url(agent), json=ASK)).json()

    [request] = provider.requests
    assert not {"frequency_penalty", "presence_penalty"} & set(request.body)
    stored = await conversation_of(as_member, agent, body["conversation_id"])
    assert sorted(stored["messages"][1]["metadata"]["dropped_parameters"]) == [
        "frequency_penalty",
        "presence_penalty",
    ]


async def test_a_conversation_goes_on_with_its_history_and_context(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(Reply("one"), Reply("two"))
    first = (await as_member.post(url(agent), json=ASK)).json()

    again = {
        **ASK,
        "message": "And?",
        "conversation_id": first["conversation_id"],
        "context": {"page": "/cart"},
    }
    second = (await as_member.post(url(agent), json=again)).json()

    assert second["conversation_id"] == first["conversation_id"]
    messages = provider.requests[-1].body["messages"]
    assert [(m["role"], m["content"]) for m in messages if m["role"] != "system"] == [
        ("user", "Hello"),
        ("assistant", "one"),
        ("user", "And?"),
    ]
    assert '"/cart"' in messages[1]["content"]
    stored = await conversation_of(as_member, agent, first["conversation_id"])
    assert [m["content"] for m in stored["messages"]] == ["Hello", "one", "And?", "two"]
    assert stored["dynamic_context"] == {"page": "/cart"}


async def test_a_stream_has_the_contracts_frames_and_is_stored_before_it_is_complete(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(Reply('Hel lo "th" ünd 🎉'))

    response = await as_member.post(url(agent, "/chat/stream"), json=ASK)

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.text.isascii()
    first, *chunks, last = frames(response.text)
    assert first == {"type": "connected", "message": "Stream established"}
    assert {chunk["type"] for chunk in chunks} == {"response_chunk"}
    assert "".join(chunk["content"] for chunk in chunks) == 'Hel lo "th" ünd 🎉'
    assert last["type"] == "complete"
    assert last["handoff_requested"] is False
    assert last["handoff_info"] is None
    assert last["suggestions"] is None
    assert last["token_usage"]["total_tokens"] > 0
    stored = await conversation_of(as_member, agent, last["conversation_id"])
    assert stored["messages"][1]["_id"] == last["message_id"]
    assert stored["messages"][1]["content"] == 'Hel lo "th" ünd 🎉'


@pytest.mark.parametrize("tail", ["/chat", "/chat/stream"])
@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"message": "", "user_identifier": "u"}, "message"),
        ({"message": "  ", "user_identifier": "u"}, "message"),
        ({"message": "x" * 65_537, "user_identifier": "u"}, "message"),
        ({"message": {"$ne": None}, "user_identifier": "u"}, "message"),
        ({"message": "x"}, "user_identifier"),
        ({"message": "x", "user_identifier": ""}, "user_identifier"),
        ({"message": "x", "user_identifier": "u", "context": {"$where": "1"}}, "context"),
        ({"message": "x", "user_identifier": "u", "context": {"a": [{"b.c": 1}]}}, "context"),
        ({"message": "x", "user_identifier": "u", "context": []}, "context"),
        ({"message": "x", "user_identifier": "u", "conversation_id": {"$gt": ""}}, "conversation_id"),
    ],
)
async def test_a_wrong_field_is_named_before_anything_happens(
    as_member: httpx2.AsyncClient,
    agent: Agent,
    provider: FakeProvider,
    tail: str,
    body: dict[str, Any],
    path: str,
) -> None:
    response = await as_member.post(url(agent, tail), json=body)

    assert response.status_code == 400
    assert response.json()["errors"][0]["path"].startswith(path)
    assert len(provider.requests) == 0
    assert await Conversation.within(agent.scope).count({}) == 0


async def test_an_absent_context_may_be_null(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    response = await as_member.post(url(agent), json={**ASK, "context": None})

    assert response.status_code == 200


async def test_a_task_agent_does_not_chat(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    task = await make_agent(cast.project, runtime.keyring, type="task")

    response = await as_member.post(url(task), json=ASK)

    assert (response.status_code, response.json()["error"]) == (400, "Agent is not a chatbot type")


async def test_a_conversation_of_another_agent_is_not_found(
    as_member: httpx2.AsyncClient, agent: Agent, cast: Cast, runtime: Runtime
) -> None:
    other = await make_agent(cast.project, runtime.keyring, name="other")
    theirs = (await as_member.post(url(other), json=ASK)).json()["conversation_id"]

    for conversation_id in (theirs, "nowhere"):
        response = await as_member.post(url(agent), json={**ASK, "conversation_id": conversation_id})

        assert response.status_code == 404
        assert response.json()["error"] == "Conversation not found or does not belong to this agent"


async def test_a_deleted_key_is_said(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    await ApiKey.within(agent.scope).delete_one({"_id": agent.api_key})

    response = await as_member.post(url(agent), json=ASK)

    assert response.status_code == 400
    assert response.json()["error"].startswith("No API key configured")
    assert await Conversation.within(agent.scope).count({}) == 0


async def test_an_inactive_key_is_a_conflict(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    await ApiKey.within(agent.scope).update_one({"_id": agent.api_key}, {"$set": {"is_active": False}})

    response = await as_member.post(url(agent), json=ASK)

    assert (response.status_code, response.json()["code"]) == (409, "CREDENTIAL_INACTIVE")


async def test_a_retired_model_marks_the_agent_and_says_why(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    retire = {"$set": {"retired_models": ["gpt-4o-mini"]}}
    await Provider.collection().update_one({"name": "openai"}, retire)
    try:
        response = await as_member.post(url(agent), json=ASK)
        status = (await as_member.get(url(agent, "/status"))).json()
    finally:
        await Provider.collection().update_one({"name": "openai"}, {"$set": {"retired_models": []}})

    assert (response.status_code, response.json()["code"]) == (422, "MODEL_RETIRED")
    assert status["status"] == "error"
    assert "gpt-4o-mini" in status["reason"]


async def test_a_provider_without_chat_is_refused_before_it_is_asked(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    await Provider.collection().update_one(
        {"name": "openai"}, {"$set": {"capabilities.chat_completion": False}}
    )
    try:
        response = await as_member.post(url(agent), json=ASK)
    finally:
        await Provider.collection().update_one(
            {"name": "openai"}, {"$set": {"capabilities.chat_completion": True}}
        )

    assert (response.status_code, response.json()["code"]) == (422, "CAPABILITY_MISSING")
    assert len(provider.requests) == 0


async def test_a_disabled_agent_hands_over_to_people_and_keeps_the_message(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    await as_member.put(url(agent, "/status"), json={"is_active": False})

    body = (await as_member.post(url(agent), json=ASK)).json()

    assert body["response"].startswith("This agent is currently unavailable.")
    assert body["current_handler"] == "human"
    assert body["token_usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "cost": 0}
    stored = await conversation_of(as_member, agent, body["conversation_id"])
    assert (stored["status"], stored["current_handler"]) == ("human_controlled", "human")
    assert [m["content"] for m in stored["messages"]] == ["Hello"]
    assert len(provider.requests) == 0


@pytest.mark.parametrize(("status", "waiting"), [("handoff_requested", True), ("human_controlled", False)])
async def test_no_model_answers_while_a_person_is_asked_for_or_in_charge(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider, status: str, waiting: bool
) -> None:
    conversation_id = (await as_member.post(url(agent), json=ASK)).json()["conversation_id"]
    await Conversation.within(agent.scope).update_one({"_id": conversation_id}, {"$set": {"status": status}})

    body = (await as_member.post(url(agent), json={**ASK, "conversation_id": conversation_id})).json()
    stream = await as_member.post(
        url(agent, "/chat/stream"), json={**ASK, "conversation_id": conversation_id}
    )

    assert body["handoff_requested"] is waiting
    assert body["handoff_info"]["urgency"] == "medium"
    assert [frame["type"] for frame in frames(stream.text)] == ["connected", "complete"]
    assert frames(stream.text)[-1]["handoff_requested"] is waiting
    assert len(provider.requests) == 1


async def test_an_encrypted_conversation_is_ciphertext_at_rest_and_text_for_readers_and_the_model(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    agent = await make_agent(cast.project, runtime.keyring, gdpr=AgentPrivacy(encrypt_messages=True))
    provider.script(Reply("canary answer"), Reply("second"))
    first = (await as_member.post(url(agent), json={**ASK, "message": "canary question"})).json()
    await as_member.post(url(agent), json={**ASK, "conversation_id": first["conversation_id"]})

    raw = await Conversation.within(agent.scope).find_one({"_id": first["conversation_id"]})
    stored = await conversation_of(as_member, agent, first["conversation_id"])

    assert "canary" not in str(raw)
    assert [m["content"] for m in stored["messages"]] == [
        "canary question",
        "canary answer",
        "Hello",
        "second",
    ]
    assert provider.requests[-1].body["messages"][1]["content"] == "canary question"


async def test_a_vendor_that_refuses_is_a_502_without_the_key_and_the_question_is_kept(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(Failure(401, "Incorrect API key provided: sk-live-helper-0123456789"))

    response = await as_member.post(url(agent), json=ASK)

    assert response.status_code == 502
    assert response.json()["error"].startswith("openai API Error:")
    assert "sk-live-helper" not in response.text
    [raw] = await Conversation.within(agent.scope).find({}, limit=2)
    assert [m["content"] for m in raw["messages"]] == ["Hello"]


async def test_a_stream_that_fails_says_so_in_the_stream(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(Failure(500, "boom"))

    response = await as_member.post(url(agent, "/chat/stream"), json=ASK)

    assert response.status_code == 200
    assert [frame["type"] for frame in frames(response.text)] == ["connected", "error"]
    assert frames(response.text)[-1]["error"].startswith("openai API Error:")


async def test_three_failures_in_a_row_put_the_agent_into_error_and_a_success_clears_it(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(*(Failure(500, "boom") for _ in range(3)))
    for _ in range(3):
        assert (await as_member.post(url(agent), json=ASK)).status_code == 502
    failed = (await as_member.get(url(agent, "/status"))).json()

    assert (await as_member.post(url(agent), json=ASK)).status_code == 200
    healthy = (await as_member.get(url(agent, "/status"))).json()

    assert failed["status"] == "error"
    assert "boom" in failed["reason"]
    assert healthy["status"] == "active"
    assert [(change["from"], change["to"]) for change in healthy["history"]] == [
        ("error", "active"),
        ("active", "error"),
    ]


async def test_what_was_said_is_kept_when_the_vendor_dies_half_way(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(half_stream)

    response = await as_member.post(url(agent, "/chat/stream"), json=ASK)

    shown = frames(response.text)
    said = "".join(frame["content"] for frame in shown if frame["type"] == "response_chunk")
    assert shown[-1]["type"] == "error"
    assert said
    [raw] = await Conversation.within(agent.scope).find({}, limit=2)
    answer = raw["messages"][1]
    assert (answer["content"], answer["metadata"]["state"]) == (said, "partial")


async def test_twenty_turns_at_once_in_one_conversation_are_all_stored(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    conversation_id = (await as_member.post(url(agent), json=ASK)).json()["conversation_id"]

    responses = await asyncio.gather(
        *(
            as_member.post(url(agent), json={**ASK, "message": f"m{n}", "conversation_id": conversation_id})
            for n in range(20)
        )
    )

    assert {response.status_code for response in responses} == {200}
    stored = await conversation_of(as_member, agent, conversation_id)
    said = [m["content"] for m in stored["messages"] if m["role"] == "user"]
    assert sorted(said) == sorted(["Hello", *(f"m{n}" for n in range(20))])
    assert stored["message_count"] == 42
