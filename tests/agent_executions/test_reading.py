"""Reading the runs of an agent: the list and one whole, as the contract has them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from crafter.agent_executions import service as execution_service
from crafter.agent_executions.documents import AgentExecution, ExecutedTool, TaskError, TaskStep
from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.projects.documents import Project
from tests.factories import make_agent

START = datetime(2026, 1, 31, 9, 15, tzinfo=UTC)


async def add(agent: Agent, **fields: Any) -> AgentExecution:
    """A stored run of the agent."""
    execution = AgentExecution(
        organization=agent.organization, project=agent.project, agent=agent.id, input="Do it", **fields
    )
    await execution_service.add_execution(execution)
    return execution


@pytest.fixture
async def agent(project: Project, runtime: Runtime) -> Agent:
    made: Agent = await make_agent(project, runtime.keyring, name="worker", type="task")
    return made


def url_of(agent: Agent) -> str:
    return f"/organizations/{agent.organization}/projects/{agent.project}/agents/{agent.id}/executions"


async def test_the_list_has_the_newest_first_and_pages(as_viewer: httpx2.AsyncClient, agent: Agent) -> None:
    rows = [await add(agent, createdAt=START + timedelta(minutes=n)) for n in range(5)]
    newest = [row.id for row in reversed(rows)]
    first = (await as_viewer.get(url_of(agent), params={"limit": 2})).json()
    second = (await as_viewer.get(url_of(agent), params={"limit": 2, "page": 2})).json()
    assert [row["_id"] for row in first["executions"] + second["executions"]] == newest[:4]
    assert (first["total"], first["page"], first["limit"]) == (5, 1, 2)


async def test_a_row_of_the_list_has_just_the_contracts_fields(
    as_viewer: httpx2.AsyncClient, agent: Agent
) -> None:
    await add(agent, status="completed", execution_time_ms=7)
    [row] = (await as_viewer.get(url_of(agent))).json()["executions"]
    assert row.keys() == {
        "_id",
        "type",
        "status",
        "usage",
        "execution_time_ms",
        "createdAt",
        "metadata",
    }
    assert row["usage"]["total_tokens"] == 0
    assert row["metadata"] == {"priority": "normal"}


@pytest.mark.parametrize(
    ("asked", "count"), [({"status": "failed"}, 1), ({"type": "task"}, 2), ({"type": "api"}, 0)]
)
async def test_the_list_can_be_filtered(
    as_viewer: httpx2.AsyncClient, agent: Agent, asked: dict[str, str], count: int
) -> None:
    await add(agent, status="failed")
    await add(agent, status="completed")
    assert (await as_viewer.get(url_of(agent), params=asked)).json()["total"] == count


async def test_a_run_is_told_whole_but_never_what_our_code_looks_like(
    as_viewer: httpx2.AsyncClient, agent: Agent
) -> None:
    execution = await add(
        agent,
        status="failed",
        started_at=START,
        thinking_process=[TaskStep(step="analyze_task", reasoning="r")],
        tools_executed=[
            ExecutedTool(tool_name="calculator", parameters={"expression": "2+2"}, result={"result": 4})
        ],
        error=TaskError(message="No answer", code="UPSTREAM_FAILED"),
    )
    where = {"_id": execution.id}
    await AgentExecution.across_tenants().update_one(where, {"$set": {"error.stack": "at /srv/app.js:1"}})
    answer = await as_viewer.get(f"{url_of(agent)}/{execution.id}")
    told = answer.json()
    assert answer.status_code == 200
    assert "/srv" not in answer.text
    assert told["error"] == {"message": "No answer", "code": "UPSTREAM_FAILED"}
    [step] = told["thinking_process"]
    assert (step["step"], step["data"], len(step["_id"])) == ("analyze_task", None, 24)
    [tool] = told["tools_executed"]
    assert (tool["result"], tool["status"], tool["error_message"]) == ({"result": 4}, "success", None)
    assert told["started_at"] == "2026-01-31T09:15:00.000Z"


async def test_a_run_of_another_agent_is_not_there(
    as_viewer: httpx2.AsyncClient, agent: Agent, project: Project, runtime: Runtime
) -> None:
    other = await make_agent(project, runtime.keyring, name="other", type="task")
    execution = await add(other)
    answer = await as_viewer.get(f"{url_of(agent)}/{execution.id}")
    assert (answer.status_code, answer.json()["error"]) == (404, "Execution not found")


async def test_a_run_goes_through_its_states_once(agent: Agent) -> None:
    execution = await add(agent)
    assert await execution_service.begin(execution, utc_now())
    assert not await execution_service.begin(execution, utc_now())
    assert await execution_service.note(execution, [TaskStep(step="analyze_task")], [])
    assert await execution_service.finish(execution, {"status": "completed", "output": "done"})
    assert not await execution_service.finish(execution, {"status": "failed"})
    assert not await execution_service.note(execution, [TaskStep(step="too_late")], [])
    told = await execution_service.read_execution(agent, execution.id)
    assert (told.status, told.output, [step.step for step in told.thinking_process]) == (
        "completed",
        "done",
        ["analyze_task"],
    )
