"""The ledger: each attempt to have a model answer is in it once, with what it took and how it went."""

import asyncio
from datetime import timedelta
from typing import Any, get_args

import httpx2
import pytest
from bson import Decimal128
from fastapi import FastAPI

from crafter.agents.configuration import QuestionSuggestions
from crafter.agents.documents import Agent, AgentTool
from crafter.api_keys.documents import ApiKey
from crafter.calling.connection import connect
from crafter.calling.purposes import Purpose
from crafter.calls import service as call_service
from crafter.calls.documents import Call, ErrorType
from crafter.calls.guidance import GUIDANCE
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.llm.base import ChatMessage, ChatRequest, tokens_in
from crafter.llm.providers import ChatModels
from tests.execution.test_chat import ASK, url
from tests.factories import make_agent, make_key, make_prompt
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import FAULTS, Failure, Reply, calling, half_stream
from tests.fixtures import Cast

USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 2},
}


@pytest.fixture
async def key(cast: Cast, runtime: Runtime) -> ApiKey:
    made: ApiKey = await make_key(cast.project, runtime.keyring, secret="sk-live-ledger-0123456789")
    return made


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime, key: ApiKey) -> Agent:
    made: Agent = await make_agent(cast.project, runtime.keyring, key=key)
    return made


def calls_url(agent: Agent, tail: str = "") -> str:
    return f"/organizations/{agent.organization}/projects/{agent.project}/calls{tail}"


async def listed(client: httpx2.AsyncClient, agent: Agent, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(calls_url(agent), params=query)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


async def rows_of(agent: Agent) -> list[dict[str, Any]]:
    return await Call.within(agent.scope).find({}, sort=(("_id", 1),), limit=1_000)


async def test_a_chat_is_in_the_ledger_with_its_exact_cost(
    as_member: httpx2.AsyncClient, agent: Agent, key: ApiKey, cast: Cast, provider: FakeProvider
) -> None:
    provider.script(Reply("Hi", usage=USAGE))
    answer = (await as_member.post(url(agent), json=ASK)).json()

    [call] = await listed(as_member, agent)
    assert call["_id"] == (await as_member.get(calls_url(agent, f"/{call['_id']}"))).json()["_id"]
    assert call["cost"] == "0.00000423"
    assert call["tokens"] == {"input": 10, "output": 5, "cached": 2}
    assert call["source"] == {"type": "conversation", "id": answer["conversation_id"]}
    told = ("kind", "provider", "model", "outcome", "credential", "agent", "user", "price_state", "price_ref")
    assert [call[name] for name in told] == [
        "chat",
        "openai",
        "gpt-4o-mini",
        "success",
        key.id,
        agent.id,
        cast.member.id,
        "known",
        "contract:gpt-4o-mini",
    ]
    [row] = await rows_of(agent)
    assert (row["cost"], row["cost_nano"]) == (Decimal128("0.00000423"), 4_230)
    assert "user-123" not in str(row)
    assert "deadline_at" not in row


async def test_everything_that_asks_a_model_is_in_it_once_and_the_key_adds_it_up(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, key: ApiKey, provider: FakeProvider
) -> None:
    suggesting = QuestionSuggestions(enabled=True, count=2, api_key=key.id, model="gpt-4o-mini")
    tools = [AgentTool(name="llm_prompt", description="d")]
    agent = await make_agent(
        cast.project, runtime.keyring, key=key, tools=tools, question_suggestions=suggesting
    )
    worker = await make_agent(cast.project, runtime.keyring, key=key, name="worker", type="task")
    prompt = await make_prompt(cast.project, key=key)
    place = f"/proxy/organizations/{key.organization}/projects/{key.project}"
    provider.script(
        calling(("llm_prompt", {"prompt": "x", "api_key_id": key.id})),
        Reply("inner", usage=USAGE),
        Reply("outer", usage=USAGE),
    )
    provider.script_aside("suggestions", Reply('{"suggestions": ["One?"]}', usage=USAGE))
    assert (await as_member.post(url(agent), json=ASK)).status_code == 200
    assert (await as_member.post(url(worker, "/execute"), json={"input": "Work"})).status_code == 200
    body = {"variables": {"name": "Ada"}}
    for _ in range(2):  # the second is answered by the cache, and asks nobody
        assert (await as_member.post(f"{place}/execute/{prompt.name}", json=body)).status_code == 200
    trial = {"content": "x", "api_key_id": key.id, "llm_settings": {"model": "gpt-4o-mini"}}
    assert (await as_member.post("/proxy/test-prompt", json=trial)).status_code == 200
    await runtime.tasks.idle()

    rows = await rows_of(agent)
    assert sorted(row["kind"] for row in rows) == sorted(
        ["chat", "tool", "chat", "aside", "task", "prompt", "trial"]
    )
    assert len(rows) == len(provider.requests) + sum(map(len, provider.asides.values()))
    raw = await ApiKey.within(key.scope).find_one({"_id": key.id})
    assert raw is not None
    usage = raw["usage"]
    assert usage["total_requests"] == len(rows)
    assert usage["total_tokens"] == sum(row["tokens"]["input"] + row["tokens"]["output"] for row in rows)
    assert round(usage["total_cost"] * 10**9) == sum(row["cost_nano"] for row in rows)


@pytest.mark.parametrize("tail", ["/chat", "/chat/stream"])
@pytest.mark.parametrize(
    ("script", "kind", "retryable"),
    [
        (Failure(401, "Incorrect API key"), "auth", False),
        (Failure(429, "Slow down.", {"Retry-After": "7"}), "rate_limit", True),
        (Failure(429, "You exceeded your current quota"), "quota", True),
        (Failure(400, "This model's maximum context length is 8192 tokens"), "context_length", False),
        (Failure(400, "Blocked by our content management policy"), "content_filter", False),
        (Failure(400, "Unknown parameter"), "invalid_request", False),
        (Failure(500), "server", True),
        (FAULTS["refuse"], "network", True),
        (FAULTS["bad JSON"], "server", False),
        (half_stream, "network", True),
    ],
    ids=[
        *("key", "rate", "quota", "context", "filter", "parameter", "server", "cut off", "nonsense", "half"),
    ],
)
async def test_a_failure_is_in_it_by_its_kind(
    as_member: httpx2.AsyncClient,
    agent: Agent,
    provider: FakeProvider,
    tail: str,
    script: Any,
    kind: ErrorType,
    retryable: bool,
) -> None:
    provider.script(script)
    await as_member.post(url(agent, tail), json=ASK)
    [call] = await listed(as_member, agent)
    assert call["outcome"] == "error"
    assert (call["error"]["type"], call["error"]["retryable"]) == (kind, retryable)
    assert call["error"]["guidance"] == GUIDANCE[kind]
    assert call["streamed"] == (tail != "/chat")
    said = script is half_stream and call["streamed"]
    assert call["usage_estimated"] == said
    assert (call["tokens"]["output"] > 0, call["price_state"]) == (said, "known" if said else "unknown")
    assert (call["cost"] is not None) == said
    if kind == "rate_limit":
        assert (call["error"]["upstream_status"], call["error"]["retry_after"]) == (429, 7)


@pytest.mark.parametrize("words", [0, 3], ids=["before it said anything", "in the middle"])
async def test_a_call_that_is_given_up_costs_what_is_known_of_it(
    agent: Agent, key: ApiKey, runtime: Runtime, app: FastAPI, provider: FakeProvider, words: int
) -> None:
    provider.script(Reply("one two three four", gate=asyncio.Event(), gate_after=words))
    models: ChatModels = app.state.models
    connection = await connect(key, "gpt-4o-mini", Purpose("trial"), runtime, models)
    said = asyncio.Queue[str]()

    async def listen() -> None:
        request = ChatRequest("gpt-4o-mini", [ChatMessage("user", "x" * 400)])
        async for event in connection.model.stream(request):
            said.put_nowait(getattr(event, "text", ""))

    listening = asyncio.create_task(listen())
    await provider.received()
    heard = "".join([await said.get() for _ in range(words)])
    listening.cancel()
    await asyncio.wait([listening])

    [row] = await rows_of(agent)
    output = tokens_in(heard)
    assert (row["outcome"], row["usage_estimated"]) == ("cancelled", True)
    assert (row["tokens"]["input"], row["tokens"]["output"]) == (100, output)
    assert row["cost_nano"] == 100 * 150 + output * 600
    raw = await ApiKey.within(key.scope).find_one({"_id": key.id})
    assert raw is not None
    assert raw["usage"]["total_tokens"] == 100 + output


async def test_a_model_whose_price_nobody_knows_costs_nothing_known(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, key: ApiKey, provider: FakeProvider
) -> None:
    from crafter.agents.configuration import LlmSettings

    agent = await make_agent(
        cast.project, runtime.keyring, key=key, llm_settings=LlmSettings(model="gpt-nobody-knows")
    )
    await as_member.post(url(agent), json=ASK)
    [call] = await listed(as_member, agent)
    assert (call["outcome"], call["cost"], call["price_state"]) == ("success", None, "unknown")


def test_every_kind_of_failure_has_its_guidance() -> None:
    assert GUIDANCE.keys() == set(get_args(ErrorType))
    assert len(set(GUIDANCE.values())) == len(GUIDANCE)


async def test_a_process_that_died_leaves_rows_that_say_so(
    as_member: httpx2.AsyncClient, agent: Agent, key: ApiKey, runtime: Runtime
) -> None:
    def row(seconds: int) -> Call:
        return Call(
            organization=key.organization,
            project=key.project,
            kind="chat",
            provider="openai",
            model="gpt-4o-mini",
            credential=key.id,
            deadline_at=utc_now() + timedelta(seconds=seconds),
        )

    dead, alive = row(-1), row(60)
    for call in (dead, alive):
        await call_service.begin(call)
    swept = await asyncio.gather(*(call_service.give_up_abandoned(utc_now()) for _ in range(4)))
    assert sum(swept) == 1
    outcomes = {call["_id"]: call["outcome"] for call in await listed(as_member, agent)}
    assert outcomes == {dead.id: "unknown", alive.id: "running"}
    assert await call_service.settle(dead, {"outcome": "success"})  # it was only slow
    assert not await call_service.settle(dead, {"outcome": "error"})


async def test_the_list_pages_and_filters(as_viewer: httpx2.AsyncClient, agent: Agent, key: ApiKey) -> None:
    for number in range(5):
        call = Call(
            organization=key.organization,
            project=key.project,
            kind="chat" if number % 2 else "task",
            provider="openai",
            model="gpt-4o-mini",
            credential=key.id,
            outcome="success",
        )
        await call_service.begin(call)
    everything = [call["_id"] for call in await listed(as_viewer, agent)]
    assert everything == sorted(everything, reverse=True)
    first = (await as_viewer.get(calls_url(agent), params={"limit": 3})).json()
    rest = await listed(as_viewer, agent, limit=3, cursor=first["page"]["next"])
    assert [call["_id"] for call in first["data"] + rest] == everything
    assert len(await listed(as_viewer, agent, kind="chat")) == 2
    assert await listed(as_viewer, agent, credential=new_id()) == []
    assert await listed(as_viewer, agent, until="2026-01-01T00:00:00Z") == []
    assert len(await listed(as_viewer, agent, since="2026-01-01T00:00:00Z", outcome="success")) == 5
    assert (await as_viewer.get(calls_url(agent), params={"kind": "nonsense"})).status_code == 400
    assert (await as_viewer.get(calls_url(agent, f"/{new_id()}"))).json()["code"] == "CALL_NOT_FOUND"
