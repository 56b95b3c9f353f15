"""How often a key is used, and how often it may be: exact, however many calls come at once."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.user_api_keys import service as key_service
from crafter.user_api_keys.documents import UserApiKey
from tests.programs import change_key, stored_key
from tests.world import snapshot

USAGE = "/external/usage/api-key"
MORNING = datetime(2026, 3, 1, 8, 0, 30, tzinfo=UTC)


async def test_each_call_is_counted_and_says_so(as_program: httpx2.AsyncClient, key: UserApiKey) -> None:
    await change_key(key, **{"restrictions.max_executions_per_day": 1000})

    first = (await as_program.get(USAGE)).json()["data"]
    second = (await as_program.get(USAGE)).json()["data"]

    assert set(first) == {"api_key_id", "usage", "restrictions", "daily_limit_remaining"}
    assert (first["usage"]["total_requests"], first["usage"]["executions_today"]) == (1, 1)
    assert (second["usage"]["total_requests"], second["usage"]["executions_today"]) == (2, 2)
    assert (first["daily_limit_remaining"], second["daily_limit_remaining"]) == (999, 998)
    assert second["usage"]["last_used_at"] >= first["usage"]["last_used_at"]


async def test_counting_is_no_change_of_the_key(as_program: httpx2.AsyncClient, key: UserApiKey) -> None:
    await as_program.get(USAGE)

    stored = await stored_key(key)
    assert stored["revision"] == 0
    assert stored["updatedAt"] == key.updated_at
    assert stored["usage"]["last_used_at"] > key.updated_at


async def test_two_hundred_calls_at_once_are_two_hundred_uses(
    as_program: httpx2.AsyncClient, key: UserApiKey
) -> None:
    responses = await asyncio.gather(*(as_program.get(USAGE) for _ in range(200)))

    assert {response.status_code for response in responses} == {200}
    usage = (await stored_key(key))["usage"]
    assert (usage["total_requests"], usage["executions_today"]) == (200, 200)
    said = [response.json()["data"]["usage"]["total_requests"] for response in responses]
    assert sorted(said) == list(range(1, 201))


async def test_of_two_hundred_calls_at_once_just_as_many_pass_as_the_day_allows(
    as_program: httpx2.AsyncClient, key: UserApiKey, runtime: Runtime
) -> None:
    await change_key(key, **{"restrictions.max_executions_per_day": 60})

    responses = await asyncio.gather(*(as_program.get(USAGE) for _ in range(200)))

    passed = [response for response in responses if response.status_code == 200]
    refused = [response.json() for response in responses if response.status_code == 403]
    assert (len(passed), len(refused)) == (60, 140)
    assert {(body["code"], body["error"]) for body in refused} == {
        ("ACCESS_RESTRICTED", "Daily execution limit exceeded")
    }
    usage = (await stored_key(key))["usage"]
    assert (usage["total_requests"], usage["executions_today"]) == (60, 60)
    before = await snapshot(runtime)
    assert (await as_program.get(USAGE)).status_code == 403
    assert await snapshot(runtime) == before


async def test_of_two_hundred_calls_at_once_just_as_many_pass_as_the_minute_allows(
    as_program: httpx2.AsyncClient, key: UserApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crafter.platform_access.dependencies.utc_now", lambda: MORNING)
    await change_key(key, **{"restrictions.rate_limit_override": 60})

    responses = await asyncio.gather(*(as_program.get(USAGE) for _ in range(200)))

    refused = [response for response in responses if response.status_code == 429]
    assert (sum(response.status_code == 200 for response in responses), len(refused)) == (60, 140)
    body, headers = refused[0].json(), refused[0].headers
    assert (body["error"], body["code"], body["retryAfter"]) == ("Too many requests", "RATE_LIMITED", 30)
    assert headers["retry-after"] == headers["ratelimit-reset"] == "30"
    assert (headers["ratelimit-limit"], headers["ratelimit-remaining"]) == ("60", "0")
    assert (await stored_key(key))["usage"]["total_requests"] == 60


async def test_the_minute_and_the_day_begin_anew(key: UserApiKey) -> None:
    await change_key(
        key,
        **{"restrictions.rate_limit_override": 2, "restrictions.max_executions_per_day": 3},
        usage={"total_requests": 7, "executions_today": 7, "last_reset_date": MORNING - timedelta(days=1)},
    )

    async def uses(at: datetime) -> int | None:
        counted = await key_service.count_use(key, at)
        return counted and counted.usage.executions_today

    assert [await uses(MORNING) for _ in range(3)] == [1, 2, None]
    next_minute = MORNING + timedelta(seconds=30)
    assert [await uses(next_minute) for _ in range(2)] == [3, None]
    tomorrow = datetime(2026, 3, 2, tzinfo=UTC)
    assert await uses(tomorrow) == 1
    stored = await stored_key(key)
    assert stored["usage"]["total_requests"] == 11
    assert stored["usage"]["last_reset_date"] == tomorrow


async def test_a_server_whose_clock_is_behind_does_not_take_the_count_back(key: UserApiKey) -> None:
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    await change_key(key, **{"usage.last_reset_date": midnight, "usage.executions_today": 5})

    counted = await key_service.count_use(key, midnight - timedelta(seconds=3))

    assert counted is not None
    assert (counted.usage.executions_today, counted.usage.last_reset_date) == (6, midnight)


async def test_a_key_without_counters_is_counted_from_nothing(
    as_program: httpx2.AsyncClient, key: UserApiKey, runtime: Runtime
) -> None:
    await runtime.database.db["userapikeys"].update_one(
        {"_id": key.id}, {"$unset": {"usage": "", "restrictions": ""}}
    )

    response = await as_program.get(USAGE)

    assert response.status_code == 200, response.text
    assert response.json()["data"]["usage"]["total_requests"] == 1


async def test_the_owner_sees_the_same_numbers(
    as_program: httpx2.AsyncClient, as_member: httpx2.AsyncClient, key: UserApiKey
) -> None:
    await change_key(key, **{"restrictions.max_executions_per_day": 10})
    for _ in range(3):
        await as_program.get(USAGE)

    shown = (await as_member.get(f"/organizations/{key.organization}/user-api-keys/{key.id}/usage")).json()

    assert shown["data"]["daily_limit_remaining"] == 7
    assert shown["data"]["usage"]["executions_today"] == 3


async def test_a_key_that_ends_while_it_is_used_is_refused(key: UserApiKey) -> None:
    await change_key(key, is_active=False)

    assert await key_service.count_use(key, utc_now()) is None
