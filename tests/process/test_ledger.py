"""The ledger when a server stops or dies in the middle of calls: every call is in it once, and the sums agree."""

import asyncio
import signal
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pymongo import MongoClient

from crafter.budgets.holds.service import SLACK
from crafter.calls.sweeping import INTERVAL_SECONDS
from crafter.usage import folding
from tests.budgets.making import make_budget
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply
from tests.process.service import SLACK_SECONDS, Service, serving, until
from tests.process.tenant import Tenant, settle

CALLS = 1_000
FAILURES = 37
HANGING = 9
UNITS = ("usd", "tokens", "requests")


@pytest.mark.faults
@pytest.mark.slow
async def test_after_a_kill_the_ledger_and_the_key_agree_to_the_last_unit(
    tmp_path: Path, on_server: dict[str, str], own_uri: str, provider: FakeProvider
) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    failing = set(range(0, CALLS, CALLS // FAILURES)[:FAILURES])
    provider.script(*(Failure(500) if n in failing else Reply("ok", usage=usage) for n in range(CALLS)))
    async with serving(tmp_path, **on_server, CRAFTER_RATE_LIMITS="off") as service:
        async with service.client() as client:
            tenant = await settle(client)
            for unit in UNITS:
                await make_budget(
                    client, tenant.organization, "agent", tenant.agent, unit=unit, limit="1000000"
                )
            slots = asyncio.Semaphore(20)

            async def chat(number: int) -> int:
                async with slots:
                    return (await client.post(tenant.chat, json=tenant.says(f"{number}"))).status_code

            statuses = await asyncio.gather(*(chat(number) for number in range(CALLS)))
            await leave_hanging(service, client, tenant, provider)
        expire(own_uri)
        await service.start()

        async def swept() -> bool:
            running = any(row["outcome"] == "running" for row in calls_in(own_uri))
            return not running and not any(budget["open"] for budget in budgets_in(own_uri).values())

        async def summed_up() -> bool:
            return all(row["folded"] or row["outcome"] == "unknown" for row in calls_in(own_uri))

        await until(swept, INTERVAL_SECONDS + SLACK_SECONDS)
        await until(summed_up, folding.INTERVAL_SECONDS + SLACK_SECONDS)

    rows = calls_in(own_uri)
    outcomes = [row["outcome"] for row in rows]
    assert (statuses.count(200), statuses.count(502)) == (CALLS - FAILURES, FAILURES)
    assert {name: outcomes.count(name) for name in set(outcomes)} == {
        "success": CALLS - FAILURES,
        "error": FAILURES,
        "unknown": HANGING,
    }
    usage_of_key = key_in(own_uri)["usage"]
    assert usage_of_key["total_requests"] == CALLS
    assert usage_of_key["total_tokens"] == 15 * (CALLS - FAILURES)
    nano = sum(row["cost_nano"] for row in rows if row["outcome"] == "success")
    assert nano == (CALLS - FAILURES) * (10 * 150 + 5 * 600)
    assert round(usage_of_key["total_cost"] * 10**9) == nano
    assert {unit: budget["spent"] for unit, budget in budgets_in(own_uri).items()} == {
        "usd": sum(row["cost_nano"] for row in rows),
        "tokens": sum(row["tokens"]["input"] + row["tokens"]["output"] for row in rows),
        "requests": len(rows),
    }
    lost = [row for row in rows if row["outcome"] == "unknown"]
    assert all(row["cost_nano"] == row["held"]["cost_nano"] > 0 and row["usage_estimated"] for row in lost)
    days = [rollup["total"] for rollup in rollups_in(own_uri)]
    assert sum(day["calls"] for day in days) == CALLS
    assert sum(day.get("input", 0) + day.get("output", 0) for day in days) == 15 * (CALLS - FAILURES)
    assert sum(day.get("cost_nano", 0) for day in days) == nano


async def leave_hanging(
    service: Service, client: httpx2.AsyncClient, tenant: Tenant, provider: FakeProvider
) -> None:
    """Kill the server while some calls wait for their answers."""
    provider.script(*(Reply("late", gate=asyncio.Event(), gate_after=0) for _ in range(HANGING)))
    asked = len(provider.requests)
    waiting = [asyncio.create_task(client.post(tenant.chat, json=tenant.says("?"))) for _ in range(HANGING)]
    await provider.received(asked + HANGING)
    await service.kill()
    for task in waiting:
        with suppress(httpx2.TransportError):
            await task


async def test_a_call_that_is_given_up_when_the_server_stops_is_in_the_ledger_as_cancelled(
    tmp_path: Path, on_server: dict[str, str], own_uri: str, provider: FakeProvider
) -> None:
    provider.script(Reply("one two", gate=asyncio.Event()))
    async with (
        serving(tmp_path, **on_server, CRAFTER_DRAIN_SECONDS="1") as service,
        service.client() as client,
    ):
        tenant = await settle(client)
        async with client.stream("POST", f"{tenant.chat}/stream", json=tenant.says("Hello")) as response:
            lines = response.aiter_lines()
            while "response_chunk" not in await anext(lines):
                pass
            service.send(signal.SIGTERM)
            await service.ended()
    [row] = calls_in(own_uri)
    assert (row["outcome"], row["streamed"], "deadline_at" in row) == ("cancelled", True, False)
    assert row["ttft_ms"] <= row["latency_ms"]
    assert key_in(own_uri)["usage"]["total_requests"] == 1


def calls_in(uri: str) -> list[dict[str, Any]]:
    """The ledger, as stored."""
    with MongoClient[dict[str, Any]](uri) as client:
        return list(client.get_default_database().calls.find({}))


def rollups_in(uri: str) -> list[dict[str, Any]]:
    """The sums of usage, as stored."""
    with MongoClient[dict[str, Any]](uri) as client:
        return list(client.get_default_database().usage_rollups.find({}))


def budgets_in(uri: str) -> dict[str, dict[str, Any]]:
    """The budgets by their units, as stored."""
    with MongoClient[dict[str, Any]](uri) as client:
        return {budget["unit"]: budget for budget in client.get_default_database().budgets.find({})}


def key_in(uri: str) -> dict[str, Any]:
    """The one provider key."""
    with MongoClient[dict[str, Any]](uri) as client:
        [key] = client.get_default_database().apikeys.find({})
    return key


def expire(uri: str) -> None:
    """Let the time pass after which a running call is taken to be abandoned."""
    with MongoClient[dict[str, Any]](uri) as client:
        client.get_default_database().calls.update_many(
            {"outcome": "running"}, {"$set": {"deadline_at": datetime.now(UTC)}}
        )
        client.get_default_database().budget_holds.update_many(
            {"state": "held"}, {"$set": {"expires_at": datetime.now(UTC) - SLACK}}
        )
