"""What is asked with a provider key is counted on it, exactly, and stays within its limits."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.api_keys.errors import CredentialLimited
from crafter.api_keys.limits import limit_reached
from crafter.core.runtime import Runtime
from tests.execution.test_chat import ASK, frames, url
from tests.factories import make_agent, make_key
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply
from tests.fixtures import Cast

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
NOW = datetime(2026, 1, 31, 9, 15, 20, 500_000, tzinfo=UTC)


@pytest.fixture
async def key(cast: Cast, runtime: Runtime) -> ApiKey:
    made: ApiKey = await make_key(cast.project, runtime.keyring, secret="sk-live-metered-0123456789")
    return made


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime, key: ApiKey) -> Agent:
    made: Agent = await make_agent(cast.project, runtime.keyring, key=key)
    return made


async def limit(key: ApiKey, **limits: int) -> None:
    await ApiKey.within(key.scope).update_one({"_id": key.id}, {"$set": {"rate_limits": limits}})


async def stored(key: ApiKey) -> dict[str, Any]:
    raw = await ApiKey.within(key.scope).find_one({"_id": key.id})
    assert raw is not None
    return raw


async def test_a_chat_counts_on_the_key_that_it_is_asked_with(
    as_member: httpx2.AsyncClient, agent: Agent, key: ApiKey, provider: FakeProvider
) -> None:
    provider.script(Reply("a", usage=USAGE), Failure(500), Reply("b", usage=USAGE))
    for _ in range(2):
        await as_member.post(url(agent), json=ASK)
    await as_member.post(url(agent, "/chat/stream"), json=ASK)

    path = f"/organizations/{key.organization}/projects/{key.project}/api-keys/{key.id}"
    usage = (await as_member.get(path)).json()["usage"]
    assert usage["last_used_at"].endswith("Z")
    assert (usage["total_requests"], usage["total_tokens"]) == (3, 30)
    assert usage["total_cost"] == pytest.approx(2 * (10 * 0.15e-6 + 5 * 0.6e-6))
    [model] = usage["usage_by_model"]
    assert (model["model"], model["input_tokens"], model["output_tokens"]) == ("gpt-4o-mini", 20, 10)


async def test_a_thousand_calls_at_once_are_a_thousand_calls(key: ApiKey) -> None:
    async def used() -> None:
        await api_key_service.record_usage(
            key, "gpt-4o-mini", input_tokens=2, output_tokens=1, total_tokens=3, cost=0.25
        )

    await asyncio.gather(*(used() for _ in range(1_000)))
    usage = (await stored(key))["usage"]
    assert (usage["total_requests"], usage["total_tokens"], usage["total_cost"]) == (1_000, 3_000, 250.0)


async def test_of_many_calls_at_once_the_limit_of_a_minute_lets_in_just_as_many(
    key: ApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_key_service, "utc_now", lambda: NOW)
    await limit(key, requests_per_minute=60)
    limited = await api_key_service.get_key(key.scope, key.id)
    outcomes = await asyncio.gather(
        *(api_key_service.admit(limited) for _ in range(200)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if outcome is not None]
    assert len(refused) == 140
    assert all(isinstance(outcome, CredentialLimited) for outcome in refused)
    later = NOW.replace(minute=16)
    monkeypatch.setattr(api_key_service, "utc_now", lambda: later)
    await api_key_service.admit(limited)


async def test_a_chat_beyond_the_limit_is_refused_before_anything_is_stored_or_sent(
    as_member: httpx2.AsyncClient, agent: Agent, key: ApiKey, provider: FakeProvider
) -> None:
    await limit(key, daily_token_limit=15)
    provider.script(Reply("a", usage=USAGE))
    assert (await as_member.post(url(agent), json=ASK)).status_code == 200
    for tail in ("/chat", "/chat/stream"):
        refused = await as_member.post(url(agent, tail), json=ASK)
        assert refused.status_code == 429
        body = refused.json()
        assert body["code"] == "CREDENTIAL_RATE_LIMITED"
        assert body["error"] == "The limit of the provider's API key is used up"
        assert "15 tokens per day" in body["message"]
        assert refused.headers["Retry-After"] == str(body["retryAfter"])
        assert refused.headers["RateLimit-Policy"] == "15;w=86400"
        assert refused.headers["RateLimit-Remaining"] == "0"
    assert len(provider.requests) == 1
    assert (await as_member.get(url(agent, "/conversations"))).json()["total"] == 1


async def test_every_call_of_a_turn_counts(
    as_member: httpx2.AsyncClient, agent: Agent, key: ApiKey, provider: FakeProvider
) -> None:
    await limit(key, requests_per_minute=1_000)
    answer = frames((await as_member.post(url(agent, "/chat/stream"), json=ASK)).text)
    assert answer[-1]["type"] == "complete"
    raw = await stored(key)
    assert (raw["minute"]["requests"], raw["usage"]["total_requests"]) == (1, 1)
    assert raw["minute"]["tokens"] == raw["day"]["tokens"] == raw["usage"]["total_tokens"] > 0


@pytest.mark.parametrize(
    ("limits", "minute", "said", "policy", "left"),
    [
        ({"requests_per_minute": 60}, {"requests": 60}, "60 requests per minute", "60;w=60", "40"),
        ({"tokens_per_minute": 9}, {"tokens": 9}, "9 tokens per minute", "9;w=60", "40"),
        (
            {"requests_per_minute": 60, "tokens_per_minute": 9},
            {"requests": 3, "tokens": 9},
            "9 tokens per minute",
            "9;w=60",
            "40",
        ),
        ({"daily_token_limit": 7, "requests_per_minute": 60}, {}, "7 tokens per day", "7;w=86400", "53080"),
    ],
)
def test_a_refusal_says_which_limit_and_when_there_is_room_again(
    limits: dict[str, int], minute: dict[str, int], said: str, policy: str, left: str
) -> None:
    day = {"start": NOW.replace(hour=0, minute=0, second=0, microsecond=0), "tokens": 7}
    refusal = limit_reached({"rate_limits": limits, "minute": minute, "day": day}, NOW)
    assert said in refusal.details["message"]
    assert refusal.headers["RateLimit-Policy"] == policy
    assert refusal.headers["Retry-After"] == left


async def test_limits_are_set_shown_and_taken_away(as_admin: httpx2.AsyncClient, key: ApiKey) -> None:
    path = f"/organizations/{key.organization}/projects/{key.project}/api-keys/{key.id}"
    etag = (await as_admin.get(path)).headers["ETag"]
    limits = {"requests_per_minute": 60, "daily_token_limit": 100_000}
    changed = await as_admin.patch(path, json={"rate_limits": limits}, headers={"If-Match": etag})
    assert changed.json()["rate_limits"] == limits
    etag = changed.headers["ETag"]
    cleared = await as_admin.patch(path, json={"rate_limits": {}}, headers={"If-Match": etag})
    assert cleared.json()["rate_limits"] == {}
    refused = await as_admin.patch(
        path, json={"rate_limits": {"requests_per_minute": 0}}, headers={"If-Match": cleared.headers["ETag"]}
    )
    assert refused.json()["errors"][0]["path"] == "rate_limits.requests_per_minute"
