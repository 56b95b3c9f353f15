"""Where a key or a model fails, the agent's fallbacks are asked, in their order, and before anything is said."""

import asyncio
from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent, AgentFallback
from crafter.api_keys.documents import ApiKey, RateLimits
from crafter.api_keys.errors import CredentialLimited
from crafter.budgets.errors import BudgetExceeded
from crafter.calling import retrying
from crafter.calling.errors import ModelRetired
from crafter.calling.fallbacks import may_help
from crafter.core.errors import CrafterError, DatabaseUnavailable
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.llm.errors import ProviderFailed, ProviderTimedOut
from crafter.providers.documents import Provider
from tests.agents.bodies import agent_url, agents_url, new_agent
from tests.budgets.making import make_budget
from tests.calls.test_ledger import calls_url
from tests.execution.test_chat import ASK, frames, url
from tests.factories import make_agent, make_key
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import FAULTS, Failure, Reply, half_stream
from tests.fixtures import Cast

ENDS = pytest.mark.parametrize("tail", ["/chat", "/chat/stream"], ids=["whole", "streamed"])
CHAIN = [("openai", "gpt-4o-mini"), ("openai", "gpt-4o"), ("deepseek", "deepseek-chat")]


@pytest.fixture
async def keys(cast: Cast, runtime: Runtime) -> list[ApiKey]:
    """A key for each part of the chain."""
    return [
        await make_key(cast.project, runtime.keyring, provider=provider, secret=f"sk-live-{n}-0123456789")
        for n, (provider, _) in enumerate(CHAIN)
    ]


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime, keys: list[ApiKey]) -> Agent:
    """An agent with two fallbacks."""
    fallbacks = [
        AgentFallback(api_key=key.id, model=model)
        for key, (_, model) in zip(keys[1:], CHAIN[1:], strict=True)
    ]
    made: Agent = await make_agent(cast.project, runtime.keyring, key=keys[0], fallbacks=fallbacks)
    return made


async def say(client: httpx2.AsyncClient, agent: Agent, tail: str) -> dict[str, Any]:
    """The answer, or the last frame of it."""
    answer = await client.post(url(agent, tail), json=ASK)
    body: dict[str, Any] = answer.json() if tail == "/chat" else frames(answer.text)[-1]
    return body


async def attempts(client: httpx2.AsyncClient, agent: Agent) -> list[tuple[int, str, str, str]]:
    calls = (await client.get(calls_url(agent))).json()["data"]
    return [(call["attempt"], call["provider"], call["model"], call["outcome"]) for call in reversed(calls)]


@ENDS
async def test_fallbacks_are_asked_in_their_order_and_the_answer_names_the_one_that_gave_it(
    as_member: httpx2.AsyncClient, agent: Agent, keys: list[ApiKey], provider: FakeProvider, tail: str
) -> None:
    provider.script(Failure(401), Failure(500), Reply("Here I am."))

    body = await say(as_member, agent, tail)

    assert await attempts(as_member, agent) == [
        (1, "openai", "gpt-4o-mini", "error"),
        (2, "openai", "gpt-4o", "error"),
        (3, "deepseek", "deepseek-chat", "success"),
    ]
    assert [request.body["model"] for request in provider.requests] == [model for _, model in CHAIN]
    assert [request.key for request in provider.requests] == [f"sk-live-{n}-0123456789" for n in range(3)]
    home = f"/organizations/{agent.organization}/projects/{agent.project}/conversations"
    messages = (await as_member.get(f"{home}/{body['conversation_id']}/messages")).json()["data"]
    about = messages[-1]["metadata"]
    assert (about["provider"], about["model"]) == ("deepseek", "deepseek-chat")
    calls = (await as_member.get(calls_url(agent))).json()["data"]
    assert [call["credential"] for call in reversed(calls)] == [key.id for key in keys]
    assert (await as_member.get(agent_url(agent) + "/status")).json()["status"] == "active"


@ENDS
@pytest.mark.parametrize(
    ("script", "helps"),
    [
        (Failure(401), True),
        (Failure(429, "You exceeded your current quota"), True),
        (Failure(429, "Slow down.", {"Retry-After": "3600"}), True),
        (Failure(503), True),
        (FAULTS["refuse"], True),
        (FAULTS["bad JSON"], True),
        (Failure(400, "Unknown parameter"), False),
        (Failure(400, "Blocked by our content management policy"), False),
        (Failure(400, "This model's maximum context length is 8192 tokens"), False),
    ],
    ids=["key", "quota", "rate", "server", "cut off", "nonsense", "parameter", "filter", "context"],
)
async def test_only_what_another_can_do_better_is_asked_of_another(
    as_member: httpx2.AsyncClient,
    agent: Agent,
    provider: FakeProvider,
    tail: str,
    script: Any,
    helps: bool,
) -> None:
    provider.script(script)
    body = await say(as_member, agent, tail)
    assert ("conversation_id" in body) == helps
    assert len(provider.requests) == (2 if helps else 1)


async def test_a_vendor_that_takes_all_its_time_is_left_for_another(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider, runtime: Runtime
) -> None:
    provider.script(FAULTS["hang before head"])
    assert "conversation_id" in await say(as_member, agent, "/chat")
    assert [one[3] for one in await attempts(as_member, agent)] == ["error", "success"]


async def test_all_of_them_together_have_one_deadline(
    as_member: httpx2.AsyncClient,
    agent: Agent,
    provider: FakeProvider,
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime.settings, "provider_timeout_seconds", 0.2)
    provider.script(*(Reply("late", gate=asyncio.Event(), gate_after=0) for _ in range(3)))
    body = await say(as_member, agent, "/chat")
    assert body["code"] == "PROVIDER_TIMEOUT"
    assert [one[3] for one in await attempts(as_member, agent)] == ["cancelled"]


async def test_once_something_was_said_nobody_else_is_asked(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(half_stream)
    assert (await say(as_member, agent, "/chat/stream"))["type"] == "error"
    assert len(provider.requests) == 1


@ENDS
async def test_a_key_that_may_not_be_used_is_passed_over(
    as_member: httpx2.AsyncClient, agent: Agent, keys: list[ApiKey], provider: FakeProvider, tail: str
) -> None:
    used_up = RateLimits(daily_token_limit=1).model_dump()
    await ApiKey.within(keys[0].scope).update_one({"_id": keys[0].id}, {"$set": {"is_active": False}})
    limit = {"rate_limits": used_up, "day": {"start": keys[1].created_at, "tokens": 5}}
    await ApiKey.within(keys[1].scope).update_one({"_id": keys[1].id}, {"$set": limit})
    assert "conversation_id" in await say(as_member, agent, tail)
    assert await attempts(as_member, agent) == [(1, "deepseek", "deepseek-chat", "success")]


async def test_a_model_that_was_retired_is_passed_over_and_the_agent_goes_on(
    as_member: httpx2.AsyncClient, agent: Agent, keys: list[ApiKey]
) -> None:
    retire = {"$push": {"retired_models": "gpt-4o-mini"}}
    await Provider.collection().update_one({"_id": keys[0].provider}, retire)
    try:
        assert "conversation_id" in await say(as_member, agent, "/chat")
    finally:
        keep = {"$pull": {"retired_models": "gpt-4o-mini"}}
        await Provider.collection().update_one({"_id": keys[0].provider}, keep)
    assert (await as_member.get(agent_url(agent) + "/status")).json()["status"] == "active"


async def test_where_all_fail_the_last_failure_is_told_and_only_the_last_is_asked_again(
    as_member: httpx2.AsyncClient,
    agent: Agent,
    provider: FakeProvider,
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime.settings, "provider_retries", 1)
    monkeypatch.setattr(retrying, "_pauses", lambda _: 0.0)
    provider.script(Failure(500, "one"), Failure(500, "two"), Failure(500, "three"), Failure(500, "four"))
    body = await say(as_member, agent, "/chat")
    assert body["error"] == "deepseek API Error: 500 four"
    assert [(one[0], one[2]) for one in await attempts(as_member, agent)] == [
        *((1, "gpt-4o-mini"), (2, "gpt-4o"), (3, "deepseek-chat"), (4, "deepseek-chat")),
    ]


async def test_each_attempt_needs_room_on_the_budgets_and_a_budget_that_is_used_up_ends_it(
    as_admin: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    await make_budget(as_admin, agent.organization, "agent", agent.id, limit="1")
    provider.script(Failure(500))
    assert (await say(as_admin, agent, "/chat"))["code"] == "BUDGET_EXCEEDED"
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        (ProviderTimedOut("openai", "x"), True),
        (ProviderFailed("openai", "x", upstream_status=404), False),
        (ModelRetired(), True),
        (CredentialLimited("1 call", limit=1, window=60, seconds_left=1), True),
        (BudgetExceeded(), False),
        (DatabaseUnavailable(), False),
        (CrafterError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_some_failures_are_of_the_key_or_the_model_and_some_are_not(error: CrafterError, helps: bool) -> None:
    assert may_help(error) is helps


async def test_fallbacks_are_stored_changed_and_taken_away(
    as_member: httpx2.AsyncClient, cast: Cast, keys: list[ApiKey]
) -> None:
    wanted = [{"api_key": keys[1].id, "model": "gpt-4o"}]
    made = await as_member.post(agents_url(cast.project), json=new_agent(keys[0], fallbacks=wanted))
    assert (made.status_code, made.json()["fallbacks"]) == (201, wanted)
    path = f"{agents_url(cast.project)}/{made.json()['_id']}"
    renamed = await as_member.put(path, json={"description": "d"})
    assert renamed.json()["fallbacks"] == wanted
    emptied = await as_member.put(path, json={"fallbacks": []})
    assert "fallbacks" not in emptied.json()


@pytest.mark.parametrize("count", [1, 6])
async def test_what_cannot_be_asked_is_no_fallback(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, keys: list[ApiKey], count: int
) -> None:
    foreign = await make_key(cast.other_project, runtime.keyring)

    async def refusal(key: str, model: str = "gpt-4o", **fields: Any) -> tuple[int, str]:
        wanted = [{"api_key": key, "model": model}] * count
        answer = await as_member.post(
            agents_url(cast.project), json=new_agent(keys[0], fallbacks=wanted, **fields)
        )
        return answer.status_code, answer.json()["code"]

    if count == 6:
        assert await refusal(keys[1].id) == (400, "VALIDATION_FAILED")
        return
    for nobodys in (foreign.id, new_id()):
        assert await refusal(nobodys) == (404, "API_KEY_NOT_FOUND")
    assert await refusal(keys[1].id, "deepseek-chat") == (400, "INVALID_MODEL")
    assert await refusal(keys[1].id, "") == (400, "VALIDATION_FAILED")


async def test_a_key_that_somebody_falls_back_on_is_in_use(
    as_admin: httpx2.AsyncClient, agent: Agent, keys: list[ApiKey]
) -> None:
    path = f"/organizations/{agent.organization}/projects/{agent.project}/api-keys/{keys[1].id}"
    refused = await as_admin.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "CREDENTIAL_IN_USE")
    assert refused.json()["dependants"][0]["items"][0]["id"] == agent.id
    forced = await as_admin.delete(path, params={"force": "true"})
    assert forced.status_code == 200


async def test_a_fallback_whose_key_is_gone_is_passed_over(
    as_member: httpx2.AsyncClient, agent: Agent, keys: list[ApiKey], provider: FakeProvider
) -> None:
    await ApiKey.within(keys[1].scope).delete_one({"_id": keys[1].id})
    provider.script(Failure(500))
    assert "conversation_id" in await say(as_member, agent, "/chat")
    assert [one[2] for one in await attempts(as_member, agent)] == ["gpt-4o-mini", "deepseek-chat"]
