"""The figures of one agent, its periods, and who it is there for."""

from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.statistics.errors import InvalidPeriod
from crafter.statistics.periods import any_period
from tests.factories import make_agent
from tests.fixtures import Cast
from tests.statistics.planting import Planted, active_of, messages_in, whole


def url_of(agent: Agent, agent_id: str | None = None) -> str:
    return f"/organizations/{agent.organization}/statistics/agents/{agent_id or agent.id}"


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    made: Agent = await make_agent(cast.project, runtime.keyring, name="worker", type="task")
    return made


async def test_an_agent_that_has_done_nothing_has_zeros(as_viewer: httpx2.AsyncClient, agent: Agent) -> None:
    body = (await as_viewer.get(url_of(agent))).json()

    assert body.pop("timeRange").keys() == {"start", "end"}
    assert body == {
        "agent": {"id": agent.id, "name": "worker", "type": "task"},
        "period": "1d",
        "executions": {
            "total": 0,
            "completed": 0,
            "failed": 0,
            "successRate": 0,
            "avgExecutionTime": 0,
            "totalTokens": 0,
            "totalCost": 0,
            "totalToolCalls": 0,
        },
        "conversations": {
            "total": 0,
            "active": 0,
            "totalMessages": 0,
            "avgMessagesPerConversation": 0,
            "totalTokens": 0,
            "totalCost": 0,
        },
        "recentActivity": [],
    }


async def test_only_the_agents_own_rows_of_the_period_count(
    as_viewer: httpx2.AsyncClient, cast: Cast, agent: Agent, runtime: Runtime
) -> None:
    planted, others, now = Planted(), Planted(), utc_now()
    colleague = await make_agent(cast.project, runtime.keyring, name="colleague")
    await planted.everything([agent], [], now)
    await others.everything([colleague], [cast.project], now)

    body = (await as_viewer.get(url_of(agent), params={"period": "1w"})).json()

    start = datetime.fromisoformat(body["timeRange"]["start"])
    runs = [row for row in planted.runs if row.created_at >= start]
    conversations = [row for row in planted.conversations if row.created_at >= start]
    timed = [row.execution_time_ms for row in runs if row.execution_time_ms is not None]
    assert body["executions"] == {
        "total": len(runs),
        "completed": len(runs) // 5,
        "failed": len(runs) // 5,
        "successRate": 20,
        "avgExecutionTime": whole(sum(timed), len(timed)),
        "totalTokens": sum(row.usage.total_tokens for row in runs),
        "totalCost": pytest.approx(sum(row.usage.cost for row in runs)),
        "totalToolCalls": sum(row.usage.tool_calls_count for row in runs),
    }
    assert body["conversations"] == {
        "total": len(conversations),
        "active": active_of(conversations),
        "totalMessages": messages_in(conversations),
        "avgMessagesPerConversation": f"{messages_in(conversations) / len(conversations):.2f}",
        "totalTokens": sum(row.metadata.total_tokens_used for row in conversations),
        "totalCost": pytest.approx(sum(row.metadata.total_cost for row in conversations)),
    }


async def test_the_success_rate_is_a_number_with_two_decimals(
    as_viewer: httpx2.AsyncClient, agent: Agent
) -> None:
    planted, moment = Planted(), utc_now() - timedelta(minutes=1)
    for status in ["completed"] * 4 + ["failed"] * 3:
        await planted.run(agent, moment, status)

    body = (await as_viewer.get(url_of(agent))).json()

    assert body["executions"]["successRate"] == 57.14


async def test_the_last_twenty_runs_carry_the_names_that_the_web_ui_looks_for(
    as_viewer: httpx2.AsyncClient, agent: Agent
) -> None:
    planted, now = Planted(), utc_now()
    rows = [await planted.run(agent, now - timedelta(days=n, minutes=1), n=n) for n in range(22)]

    recent = (await as_viewer.get(url_of(agent))).json()["recentActivity"]

    assert [run["_id"] for run in recent] == [row.id for row in rows[:20]]
    assert recent[3] == {
        "_id": rows[3].id,
        "type": "task",
        "status": "completed",
        "createdAt": recent[3]["timestamp"],
        "timestamp": recent[3]["timestamp"],
        "execution_time_ms": 21,
        "executionTime": 21,
        "usage": {"total_tokens": 103},
    }
    assert datetime.fromisoformat(recent[3]["timestamp"]) == rows[3].created_at


async def test_the_last_month_ends_where_this_one_begins(as_viewer: httpx2.AsyncClient, agent: Agent) -> None:
    planted, now = Planted(), utc_now()
    this_month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    instant = timedelta(milliseconds=1)
    last_month = (this_month - instant).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for moment in (last_month - instant, last_month, this_month - instant, this_month):
        await planted.run(agent, moment)

    last = (await as_viewer.get(url_of(agent), params={"period": "last-month"})).json()
    current = (await as_viewer.get(url_of(agent), params={"period": "current-month"})).json()

    assert (last["executions"]["total"], current["executions"]["total"]) == (2, 1)
    assert datetime.fromisoformat(last["timeRange"]["start"]) == last_month
    assert last["timeRange"]["end"] == current["timeRange"]["start"]


@pytest.mark.parametrize(
    ("name", "now", "start", "end"),
    [
        ("current-month", "2026-03-31T12:30", "2026-03-01T00:00", "2026-03-31T12:30"),
        ("last-month", "2026-03-31T12:30", "2026-02-01T00:00", "2026-03-01T00:00"),
        ("last-month", "2026-01-01T00:00", "2025-12-01T00:00", "2026-01-01T00:00"),
        ("1w", "2026-03-03T12:30", "2026-02-24T12:30", "2026-03-03T12:30"),
    ],
)
def test_a_period_is_a_time_in_utc(name: str, now: str, start: str, end: str) -> None:
    period = any_period(name, datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert (f"{period.start:%Y-%m-%dT%H:%M}", f"{period.end:%Y-%m-%dT%H:%M}") == (start, end)


def test_an_unknown_period_is_told_which_ones_there_are() -> None:
    with pytest.raises(InvalidPeriod) as refusal:
        any_period("next-month", utc_now())

    assert str(refusal.value) == ("Invalid period. Use '1d', '1w', '1m', 'current-month', or 'last-month'")


async def test_an_agent_of_another_organization_is_not_there(
    as_viewer: httpx2.AsyncClient, cast: Cast, agent: Agent, runtime: Runtime
) -> None:
    foreign = await make_agent(cast.other_project, runtime.keyring, name="foreign")

    for agent_id in (foreign.id, new_id()):
        response = await as_viewer.get(url_of(agent, agent_id))

        assert response.status_code == 404
        assert response.json()["error"] == "Agent not found in this organization"
        assert response.json()["code"] == "AGENT_NOT_FOUND"
