"""Usage by interval and dimension: the same figures before and after the calls were summed up."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from crafter.calls import service as call_service
from crafter.calls.documents import Call
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now
from crafter.usage import folding
from crafter.usage.documents import UsageRollup
from tests.fixtures import Cast
from tests.usage.planting import exact, figures, plant, random_call, settled_call

MAY = {"from": "2026-05-01T00:00:00Z", "to": "2026-05-04T00:00:00Z"}


def url(cast: Cast) -> str:
    return f"/organizations/{cast.organization.id}/usage"


async def asked(client: httpx2.AsyncClient, cast: Cast, **query: Any) -> dict[str, Any]:
    answer = await client.get(url(cast), params=MAY | query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def on(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 5, day, hour, minute, tzinfo=UTC)


def pick(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in expected}


@pytest.fixture
async def calls(cast: Cast) -> list[Call]:
    """Three hundred calls on three days, in a project; and one of somebody else's."""
    dice = random.Random(7)
    made = [
        random_call(dice, cast.project.scope, on(1) + timedelta(minutes=dice.randint(0, 3 * 24 * 60 - 1)))
        for _ in range(300)
    ]
    await asyncio.gather(*map(plant, made))
    await plant(settled_call(cast.other_project.scope, on(2), cost_nano=10**12))
    return made


FOLDED = pytest.mark.parametrize("folded", [False, True], ids=["waiting", "summed up"])


@FOLDED
async def test_the_figures_are_those_of_the_ledger(
    as_viewer: httpx2.AsyncClient, cast: Cast, calls: list[Call], folded: bool
) -> None:
    if folded:
        await folding.fold_all()
    body = await asked(as_viewer, cast, group_by="model,kind")
    totals = figures(calls)
    assert pick(body["totals"], totals) == totals
    times = [call.latency_ms for call in calls if call.latency_ms is not None]
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        assert body["totals"]["latency"][name] == pytest.approx(exact(times, share), rel=0.05)
    assert body["totals"]["latency"]["mean"] == round(sum(times) / len(times))
    for row in body["rows"]:
        of_row = [
            call
            for call in calls
            if call.created_at.day == int(row["start"][8:10])
            and {"model": call.model, "kind": call.kind} == row["dimensions"]
        ]
        expected = figures(of_row)
        assert pick(row, expected) == expected


@FOLDED
async def test_hours_add_up_to_the_day_and_empty_ones_are_there(
    as_member: httpx2.AsyncClient, cast: Cast, folded: bool
) -> None:
    made = [settled_call(cast.project.scope, on(1, hour, 30), cost_nano=hour) for hour in (0, 5, 23)]
    await asyncio.gather(*map(plant, made))
    if folded:
        await folding.fold_all()
    body = await asked(as_member, cast, interval="hour", to="2026-05-01T23:00:00Z")
    assert [row["start"] for row in body["rows"]] == [
        f"2026-05-01T{hour:02}:00:00.000Z" for hour in range(23)
    ]
    assert [hour for hour, row in enumerate(body["rows"]) if row["calls"]] == [0, 5]
    assert body["totals"]["calls"] == 2
    assert body["totals"]["cost"] == "0.000000005"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"interval": "total"}, 1),
        ({"interval": "month"}, 1),
        ({"interval": "day"}, 3),
        ({"interval": "day", "to": "2026-05-01T00:00:01Z"}, 1),
    ],
)
async def test_periods_are_whole_intervals(
    as_member: httpx2.AsyncClient, cast: Cast, query: dict[str, str], count: int
) -> None:
    assert len((await asked(as_member, cast, **query))["rows"]) == count


async def test_calls_are_filtered_by_what_they_are(
    as_member: httpx2.AsyncClient, cast: Cast, calls: list[Call]
) -> None:
    await folding.fold_all()
    fitting = [call for call in calls if call.model == "o3" and call.outcome == "error"]
    body = await asked(as_member, cast, model="o3", outcome="error", interval="total")
    assert body["rows"][0]["calls"] == len(fitting)
    assert (await asked(as_member, cast, project="another"))["totals"]["calls"] == 0


async def test_an_outcome_of_unknown_price_is_said_and_not_counted_as_free(
    as_member: httpx2.AsyncClient, cast: Cast
) -> None:
    await plant(settled_call(cast.project.scope, on(1)))
    totals = (await asked(as_member, cast))["totals"]
    assert (totals["cost"], totals["unpriced_calls"]) == ("0", 1)


async def test_a_call_that_still_runs_is_no_usage(as_member: httpx2.AsyncClient, cast: Cast) -> None:
    await plant(settled_call(cast.project.scope, on(1), outcome="running", folded=None))
    await folding.fold_all()
    assert (await asked(as_member, cast))["totals"]["calls"] == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"interval": "week"}, "interval"),
        ({"group_by": "user"}, "group_by"),
        ({"group_by": "model,model"}, "group_by"),
        ({"group_by": "model,kind,agent,project"}, "group_by"),
        ({"from": "yesterday"}, "from"),
        ({"from": "0001-01-01T00:00:00Z"}, "from"),
        ({"to": "9999-12-31T23:59:59Z"}, "to"),
        ({"from": "2026-05-04T00:00:00Z"}, "from"),
        ({"interval": "hour", "from": "2025-05-04T00:00:00Z"}, "hour"),
        ({"model": "x" * 201}, "model"),
    ],
)
async def test_a_question_without_sense_is_refused(
    as_member: httpx2.AsyncClient, cast: Cast, query: dict[str, str], field: str
) -> None:
    answer = await as_member.get(url(cast), params=MAY | query)
    assert answer.status_code == 400, answer.text
    assert field in answer.text


async def test_an_answer_that_is_too_long_is_refused(as_member: httpx2.AsyncClient, cast: Cast) -> None:
    calls = [settled_call(cast.project.scope, on(1), model=f"m{number}") for number in range(20)]
    await asyncio.gather(*map(plant, calls))
    query = {"interval": "hour", "group_by": "model", "to": "2026-05-31T00:00:00Z"}
    answer = await as_member.get(url(cast), params=MAY | query)
    assert (answer.status_code, answer.json()["code"]) == (422, "USAGE_TOO_LARGE")


async def test_many_folders_count_every_call_once_while_calls_are_written(
    as_member: httpx2.AsyncClient, cast: Cast
) -> None:
    dice = random.Random(11)
    old = utc_now() - timedelta(days=2)
    made = [random_call(dice, cast.project.scope, old) for _ in range(3_000)]

    async def write() -> None:
        for start in range(0, len(made), 50):
            await asyncio.gather(*map(plant, made[start : start + 50]))

    async def fold(times: int) -> None:
        for _ in range(times):
            await folding.fold_all()

    killed = asyncio.create_task(fold(1_000))
    await asyncio.gather(write(), fold(20), fold(20))
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    await folding.fold_all()
    stored = await UsageRollup.within(Scope(cast.organization.id)).find({}, limit=1_000)
    assert sum(row["total"]["calls"] for row in stored) == len(made)
    since = old.replace(hour=0, minute=0, second=0, microsecond=0)
    query = {"from": since.isoformat(), "to": (since + timedelta(days=1)).isoformat(), "interval": "total"}
    body = (await as_member.get(url(cast), params=query)).json()
    expected = figures(made)
    assert pick(body["totals"], expected) == expected


async def test_a_call_given_up_and_settled_afterwards_is_counted_as_what_it_was(
    as_member: httpx2.AsyncClient, cast: Cast
) -> None:
    call = settled_call(cast.project.scope, utc_now(), outcome="running", folded=None)
    call.deadline_at = utc_now() - timedelta(seconds=1)
    await plant(call)
    await call_service.give_up_abandoned(utc_now())
    await folding.fold_all()
    assert await call_service.settle(call, {"outcome": "success", "cost_nano": 5})
    await folding.fold_all()
    body = (await as_member.get(url(cast), params={"interval": "total"})).json()
    assert (body["totals"]["succeeded"], body["totals"]["unknown"]) == (1, 0)


async def test_a_call_that_was_summed_up_never_changes(cast: Cast) -> None:
    call = settled_call(cast.project.scope, utc_now() - timedelta(days=2), outcome="unknown")
    await plant(call)
    await folding.fold_all()
    assert not await call_service.settle(call, {"outcome": "success"})
