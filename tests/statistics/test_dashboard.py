"""The dashboard against the same figures, added up by hand from what was planted."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.organizations.documents import Organization
from crafter.prompt_execution.documents import PromptExecution
from tests.factories import make_agent, make_project
from tests.fixtures import Cast
from tests.statistics.planting import Planted, active_of, messages_in, whole

SPANS = {"1d": 1, "1w": 7, "1m": 30}


def url_of(organization: Organization) -> str:
    return f"/organizations/{organization.id}/statistics/dashboard"


@pytest.fixture
async def agents(cast: Cast, runtime: Runtime) -> list[Agent]:
    second = await make_project(cast.organization, "Second")
    return [
        await make_agent(cast.project, runtime.keyring, name="busy", type="task"),
        await make_agent(second, runtime.keyring, name="idle"),
    ]


@pytest.fixture
async def planted(cast: Cast, agents: list[Agent], runtime: Runtime) -> Planted:
    now, planted, others = utc_now(), Planted(), Planted()
    second = await make_project(cast.organization, "Third")
    await planted.everything(agents, [cast.project, second], now)
    foreign = await make_agent(cast.other_project, runtime.keyring, name="foreign")
    await others.everything([foreign], [cast.other_project], now)
    return planted


def since(rows: list[Any], start: datetime) -> list[Any]:
    return [row for row in rows if row.created_at >= start]


async def test_nothing_has_been_used_yet(as_viewer: httpx2.AsyncClient, organization: Organization) -> None:
    body = (await as_viewer.get(url_of(organization))).json()

    assert body.pop("timeRange").keys() == {"start", "end"}
    assert body == {
        "period": "1d",
        "overview": {
            "totalTokensUsed": 0,
            "totalCost": 0,
            "totalApiCalls": 0,
            "totalConversations": 0,
            "totalAgents": 0,
            "totalProjects": 1,
        },
        "promptExecutions": {
            "totalCalls": 0,
            "totalTokens": 0,
            "totalCost": 0,
            "avgTokensPerCall": 0,
            "successRate": 0,
            "breakdown": {"successful": 0, "errors": 0, "cached": 0},
        },
        "agentExecutions": {
            "totalExecutions": 0,
            "totalTokens": 0,
            "totalCost": 0,
            "totalToolCalls": 0,
            "avgExecutionTime": 0,
            "successRate": 0,
            "breakdown": {"completed": 0, "failed": 0, "pending": 0},
        },
        "conversations": {
            "total": 0,
            "totalMessages": 0,
            "totalTokens": 0,
            "totalCost": 0,
            "totalToolsExecuted": 0,
            "avgMessagesPerConversation": 0,
            "breakdown": {"active": 0, "ended": 0},
        },
        "recentActivity": [],
        "topAgents": [],
        "dailyUsage": [],
    }


@pytest.mark.parametrize("period", SPANS)
async def test_each_figure_equals_what_is_added_up_by_hand(
    as_viewer: httpx2.AsyncClient, organization: Organization, planted: Planted, period: str
) -> None:
    body = (await as_viewer.get(url_of(organization), params={"period": period})).json()

    start = datetime.fromisoformat(body["timeRange"]["start"])
    assert datetime.fromisoformat(body["timeRange"]["end"]) - start == timedelta(days=SPANS[period])
    prompts, runs = since(planted.prompts, start), since(planted.runs, start)
    conversations = since(planted.conversations, start)
    tokens = {
        "prompts": sum(row.usage.total_tokens for row in prompts),
        "runs": sum(row.usage.total_tokens for row in runs),
        "conversations": sum(row.metadata.total_tokens_used for row in conversations),
    }
    costs = {
        "prompts": sum(row.usage.cost for row in prompts),
        "runs": sum(row.usage.cost for row in runs),
        "conversations": sum(row.metadata.total_cost for row in conversations),
    }
    timed = [row.execution_time_ms for row in runs if row.execution_time_ms is not None]
    of_prompts, of_runs = Counter(row.status for row in prompts), Counter(row.status for row in runs)

    assert body["overview"] == {
        "totalTokensUsed": sum(tokens.values()),
        "totalCost": pytest.approx(sum(costs.values())),
        "totalApiCalls": len(prompts) + len(runs),
        "totalConversations": len(conversations),
        "totalAgents": 2,
        "totalProjects": 3,
    }
    assert body["promptExecutions"] == {
        "totalCalls": len(prompts),
        "totalTokens": tokens["prompts"],
        "totalCost": pytest.approx(costs["prompts"]),
        "avgTokensPerCall": whole(tokens["prompts"], len(prompts)),
        "successRate": 33.33,
        "breakdown": {
            "successful": of_prompts["success"],
            "errors": of_prompts["error"],
            "cached": of_prompts["cached"],
        },
    }
    assert body["agentExecutions"] == {
        "totalExecutions": len(runs),
        "totalTokens": tokens["runs"],
        "totalCost": pytest.approx(costs["runs"]),
        "totalToolCalls": sum(row.usage.tool_calls_count for row in runs),
        "avgExecutionTime": whole(sum(timed), len(timed)),
        "successRate": 20,
        "breakdown": {status: of_runs[status] for status in ("completed", "failed", "pending")},
    }
    assert body["conversations"] == {
        "total": len(conversations),
        "totalMessages": messages_in(conversations),
        "totalTokens": tokens["conversations"],
        "totalCost": pytest.approx(costs["conversations"]),
        "totalToolsExecuted": sum(row.metadata.tools_executed_count for row in conversations),
        "avgMessagesPerConversation": f"{messages_in(conversations) / len(conversations):.2f}",
        "breakdown": {
            "active": active_of(conversations),
            "ended": sum(row.status == "ended" for row in conversations),
        },
    }


async def test_days_without_anything_are_missing_and_the_others_are_in_order(
    as_viewer: httpx2.AsyncClient, organization: Organization, planted: Planted
) -> None:
    body = (await as_viewer.get(url_of(organization), params={"period": "1m"})).json()

    start = datetime.fromisoformat(body["timeRange"]["start"])
    prompts, runs = since(planted.prompts, start), since(planted.runs, start)
    conversations = since(planted.conversations, start)

    def on(rows: list[Any], day: str) -> list[Any]:
        return [row for row in rows if f"{row.created_at:%Y-%m-%d}" == day]

    assert body["dailyUsage"] == [
        {
            "_id": day,
            "executionCount": len(on(prompts, day)) + len(on(runs, day)),
            "tokenCount": sum(row.usage.total_tokens for row in on([*prompts, *runs], day))
            + sum(row.metadata.total_tokens_used for row in on(conversations, day)),
            "costSum": pytest.approx(
                sum(row.usage.cost for row in on([*prompts, *runs], day))
                + sum(row.metadata.total_cost for row in on(conversations, day))
            ),
            "agentExecutions": len(on(runs, day)),
            "promptExecutions": len(on(prompts, day)),
            "conversations": len(on(conversations, day)),
        }
        for day in sorted({f"{row.created_at:%Y-%m-%d}" for row in [*prompts, *runs, *conversations]})
    ]


async def test_the_last_ten_runs_are_those_of_any_time_and_name_their_agent(
    as_viewer: httpx2.AsyncClient, organization: Organization, agents: list[Agent]
) -> None:
    busy, planted, now = agents[0], Planted(), utc_now()
    rows = [await planted.run(busy, now - timedelta(days=40 + n), n=n) for n in range(12)]

    body = (await as_viewer.get(url_of(organization))).json()

    assert [run["_id"] for run in body["recentActivity"]] == [row.id for row in rows[:10]]
    assert body["recentActivity"][2] == {
        "_id": rows[2].id,
        "agent": {"_id": busy.id, "id": busy.id, "name": "busy"},
        "status": "completed",
        "createdAt": rows[2].created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "execution_time_ms": 14,
        "usage": {"total_tokens": 102},
        "agentName": "busy",
        "timestamp": rows[2].created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "executionTime": 14,
    }


async def test_the_top_agents_are_five_by_runs_and_one_that_is_gone_has_no_name(
    as_viewer: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    planted, now = Planted(), utc_now()
    many = [await make_agent(cast.project, runtime.keyring, name=f"a{n}") for n in range(6)]
    for number, agent in enumerate(many):
        for _ in range(number + 1):
            await planted.run(agent, now - timedelta(minutes=1))
    gone = many[5].model_copy(update={"id": new_id()})
    for _ in range(7):
        await planted.run(gone, now - timedelta(minutes=1))

    body = (await as_viewer.get(url_of(cast.organization))).json()

    assert [(row["_id"], row["name"], row["totalExecutions"]) for row in body["topAgents"]] == [
        (gone.id, None, 7),
        *((many[n].id, f"a{n}", n + 1) for n in (5, 4, 3, 2)),
    ]
    assert body["topAgents"][0]["totalTokens"] == 7 * 101
    assert body["topAgents"][0]["totalCost"] == pytest.approx(0.07)
    assert body["recentActivity"][0]["agent"].keys() == {"_id", "id", "name"}


@pytest.mark.parametrize("period", ["", "1y", "last-month", "1D", "x" * 500])
async def test_a_period_that_there_is_not_is_refused_in_the_contracts_words(
    as_viewer: httpx2.AsyncClient, organization: Organization, period: str
) -> None:
    response = await as_viewer.get(url_of(organization), params={"period": period})

    assert response.status_code == 400
    assert response.json()["error"] == "Invalid period. Use '1d', '1w', or '1m'"


async def test_numbers_that_cannot_be_added_up_count_as_nothing(
    as_viewer: httpx2.AsyncClient, cast: Cast
) -> None:
    planted, moment = Planted(), utc_now() - timedelta(minutes=1)
    for number in range(2):
        await planted.prompt(cast.project, moment, "success", number)
    await PromptExecution.within(cast.project.scope).update_one(
        {"_id": planted.prompts[0].id},
        {"$set": {"usage.cost": float("inf"), "usage.total_tokens": "many"}},
    )

    body = (await as_viewer.get(url_of(cast.organization))).json()

    assert body["promptExecutions"]["totalCalls"] == 2
    assert body["promptExecutions"]["totalTokens"] == 11
    assert body["promptExecutions"]["totalCost"] == 0


async def test_an_outsider_sees_nothing(as_outsider: httpx2.AsyncClient, organization: Organization) -> None:
    response = await as_outsider.get(url_of(organization))

    assert response.status_code == 403
