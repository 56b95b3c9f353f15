"""Questions that are suggested with an answer, to people, programs and end users."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from crafter.agents.configuration import QuestionSuggestions
from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from tests.execution.test_chat import ASK, conversation_of, frames, url
from tests.factories import make_agent, make_key
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, Script, hang_before_head
from tests.fixtures import Cast

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def suggesting(*questions: Any) -> Reply:
    return Reply(json.dumps({"suggestions": questions}), usage=USAGE)


@pytest.fixture
async def key(cast: Cast, runtime: Runtime) -> ApiKey:
    made: ApiKey = await make_key(cast.project, runtime.keyring, secret="sk-suggests-0123456789")
    return made


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime, key: ApiKey) -> Agent:
    """An agent that suggests two questions, with a key and a model of their own."""
    wanted = QuestionSuggestions(enabled=True, count=2, api_key=key.id, model="gpt-4o-mini")
    made: Agent = await make_agent(cast.project, runtime.keyring, question_suggestions=wanted)
    return made


async def test_an_answer_comes_with_questions_and_with_what_they_took(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(Reply("Hi", usage=USAGE))
    provider.script_aside("suggestions", suggesting("One?", "Two?", "Three?"))

    body = (await as_member.post(url(agent), json=ASK)).json()

    assert body["suggestions"] == ["One?", "Two?"]
    milliseconds = body["suggestion_usage"].pop("execution_time_ms")
    assert milliseconds >= 0
    assert body["suggestion_usage"] == {**USAGE, "cost": pytest.approx(4.5e-06), "model": "gpt-4o-mini"}
    assert body["token_usage"]["total_tokens"] == 15
    stored = await conversation_of(as_member, agent, body["conversation_id"])
    assert stored["metadata"]["total_tokens_used"] == 30
    assert stored["metadata"]["total_cost"] == pytest.approx(9e-06)


async def test_they_are_asked_for_with_their_own_key_about_the_last_five_messages(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    conversation_id = None
    for number in range(1, 4):
        said = {**ASK, "message": f"question {number}", "conversation_id": conversation_id}
        provider.script(Reply(f"answer {number}"))
        conversation_id = (await as_member.post(url(agent), json=said)).json()["conversation_id"]

    last = provider.asides["suggestions"][-1]
    assert last.key == "sk-suggests-0123456789"
    assert last.body["prompt_cache_key"] == f"agent_{agent.id}_suggestions"
    assert last.last_words.split("\n\n") == [
        "Assistant: answer 1",
        "User: question 2",
        "Assistant: answer 2",
        "User: question 3",
        "Assistant: answer 3",
    ]


async def test_people_may_word_the_request_themselves(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    custom = {"$set": {"question_suggestions.custom_prompt": "Only about shoes."}}
    await Agent.within(agent.scope).update_one({"_id": agent.id}, custom)

    await as_member.post(url(agent), json=ASK)

    [request] = provider.asides["suggestions"]
    assert request.body["messages"][0]["content"].startswith("Only about shoes.\n")


async def test_a_stream_is_complete_with_them(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script_aside("suggestions", suggesting("One?"))

    streamed = frames((await as_member.post(url(agent, "/chat/stream"), json=ASK)).text)

    assert streamed[-1]["type"] == "complete"
    assert streamed[-1]["suggestions"] == ["One?"]
    assert "suggestion_usage" not in streamed[-1]


async def test_the_answer_is_streamed_and_stored_before_they_are_asked_for(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    gate = asyncio.Event()
    provider.script_aside("suggestions", Reply('["One?"]', gate=gate, gate_after=0))
    asked = asyncio.create_task(as_member.post(url(agent, "/chat/stream"), json=ASK))
    await provider.received_aside("suggestions")

    listed = (await as_member.get(url(agent, "/conversations"))).json()["conversations"]
    gate.set()

    assert [one["message_count"] for one in listed] == [2]
    assert frames((await asked).text)[-1]["suggestions"] == ["One?"]


@pytest.mark.parametrize(
    ("reply", "questions"),
    [
        ('```json\n{"suggestions": ["One?", "Two?"]}\n```', ["One?", "Two?"]),
        ('Sure [as asked]: ["One?", "One?", " Two? "] Bye', ["One?", "Two?"]),
        ('{"suggestions": [{"question": "One?"}, 7, "", null]}', ["One?"]),
    ],
)
async def test_models_are_understood_even_if_they_talk_around_it(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider, reply: str, questions: list[str]
) -> None:
    provider.script_aside("suggestions", Reply(reply))

    body = (await as_member.post(url(agent), json=ASK)).json()

    assert body["suggestions"] == questions


@pytest.mark.parametrize(
    "trouble",
    [
        Failure(500),
        Failure(401),
        Reply("I cannot do that."),
        Reply('{"suggestions": "none"}'),
        Reply("[" * 100_000),
        Reply('{"suggestions": []}'),
    ],
)
async def test_without_questions_there_is_just_the_answer(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider, trouble: Script
) -> None:
    provider.script_aside("suggestions", trouble, trouble, trouble)

    answer = await as_member.post(url(agent), json=ASK)
    stream = frames((await as_member.post(url(agent, "/chat/stream"), json=ASK)).text)

    assert answer.status_code == 200
    assert not {"suggestions", "suggestion_usage"} & set(answer.json())
    assert stream[-1]["type"] == "complete"
    assert stream[-1]["suggestions"] is None


async def test_the_answer_does_not_wait_for_them_for_ever(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crafter.execution.asides.suggestions.DEADLINE_SECONDS", 0.05)
    provider.script_aside("suggestions", hang_before_head)

    body = (await as_member.post(url(agent), json=ASK)).json()

    assert body["response"] == "You said: Hello"
    assert "suggestions" not in body


async def test_a_key_that_is_gone_costs_only_the_questions(
    as_member: httpx2.AsyncClient, agent: Agent, key: ApiKey
) -> None:
    await ApiKey.within(agent.scope).delete_one({"_id": key.id})

    body = (await as_member.post(url(agent), json=ASK)).json()

    assert body["response"] == "You said: Hello"
    assert "suggestions" not in body


async def test_an_agent_that_suggests_nothing_asks_nothing_more(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    agent = await make_agent(cast.project, runtime.keyring)

    body = (await as_member.post(url(agent), json=ASK)).json()

    assert "suggestions" not in body
    assert len(provider.requests) == 1
    assert provider.asides["suggestions"] == []
