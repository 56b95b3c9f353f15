"""Every query about the runs of task agents."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crafter.agent_executions import pipelines
from crafter.agent_executions.documents import UNFINISHED, AgentExecution, ExecutedTool, TaskError, TaskStep
from crafter.agent_executions.errors import ExecutionNotFound
from crafter.agent_executions.schemas import ExecutionRead, ExecutionSummary
from crafter.agents.documents import Agent
from crafter.core.pagination import NumberedPage
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now

MOST_STEPS = 200
"""How many steps, and how many runs of tools, are kept of one run: the first."""

_NEWEST_FIRST = (("createdAt", -1), ("_id", -1))
_OLDEST_FIRST = (("createdAt", 1), ("_id", 1))
_BATCH = 500
_PAGE = 10
_ERASED = {
    "$set": {
        "input": None,
        **{name: [] for name in ("thinking_process", "tools_executed", "output_files")},
    },
    "$unset": dict.fromkeys(
        (
            "output",
            *("error.message", "error.stack"),
            *(f"metadata.{name}" for name in ("user_identifier", "request_id", "user_agent", "ip_address")),
        ),
        "",
    ),
}
"""What becomes of a run whose end user is to be forgotten: what it took and how it ended stays."""


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What runs took: ``days`` in order, each named by its first moment, and the ``agents`` with the most runs.

    Each row has ``runs``, ``tokens``, ``cost`` (dollars), ``tool_calls``, ``milliseconds`` of the ``timed`` runs, and
    how many runs are ``completed``, ``failed`` and ``pending``.
    """

    days: list[dict[str, Any]]
    agents: list[dict[str, Any]]


async def list_numbered(
    agent: Agent, page: NumberedPage, *, status: str | None, kind: str | None
) -> tuple[list[ExecutionSummary], int]:
    """A page of an agent's runs, the newest first, and how many there are (counted up to 10,000)."""
    asked = {"status": status, "type": kind}
    where: dict[str, Any] = {"agent": agent.id, **{k: {"$eq": v} for k, v in asked.items() if v is not None}}
    executions = AgentExecution.within(agent.scope)
    rows = await executions.find(
        where, fields=ExecutionSummary.fields(), sort=_NEWEST_FIRST, skip=page.skip, limit=page.limit
    )
    return [ExecutionSummary.from_stored(row) for row in rows], await executions.count(where)


async def read_execution(agent: Agent, execution_id: str) -> ExecutionRead:
    """One run of the agent, whole. Raises ExecutionNotFound."""
    raw = await AgentExecution.within(agent.scope).find_one({"_id": execution_id, "agent": agent.id})
    if raw is None:
        raise ExecutionNotFound
    return show(AgentExecution.from_stored(raw))


def show(execution: AgentExecution) -> ExecutionRead:
    """A run as it is answered: ids of its parts as text."""
    stored = execution.model_dump(by_alias=True)
    for name in ("thinking_process", "tools_executed"):
        stored[name] = [{**part, "_id": str(part["_id"])} for part in stored[name]]
    return ExecutionRead.from_stored(stored)


async def sum_up(
    scope: Scope, since: datetime, until: datetime, *, agent_id: str | None = None, most: int = 5
) -> RunFigures:
    """The figures of the runs that began in a time, of one agent or of all."""
    only: list[Mapping[str, Any]] = [] if agent_id is None else [{"$match": {"agent": agent_id}}]
    [figures] = await AgentExecution.within(scope).aggregate(
        [*only, *pipelines.summed_up(since, until, most)]
    )
    return RunFigures(figures["days"], figures["agents"])


async def list_recent(scope: Scope, *, limit: int, agent_id: str | None = None) -> list[dict[str, Any]]:
    """The newest runs of one agent or of all, as stored, without what went in and came out."""
    fields = {**ExecutionSummary.fields(), "agent": 1}
    where = {} if agent_id is None else {"agent": agent_id}
    return await AgentExecution.within(scope).find(where, fields=fields, sort=_NEWEST_FIRST, limit=limit)


async def add_execution(execution: AgentExecution) -> None:
    """Store a new run."""
    await AgentExecution.within(execution.scope).insert(execution.to_stored())


async def begin(execution: AgentExecution, lease_until: datetime) -> bool:
    """From pending to running; False when it is not pending any more."""
    now = utc_now()
    fields = {"status": "running", "started_at": now, "lease_until": lease_until}
    return await _change(execution, {"$set": fields}, only_if={"status": "pending"})


async def note(execution: AgentExecution, steps: list[TaskStep], tools: list[ExecutedTool]) -> bool:
    """Add steps and runs of tools to a run; False when it is over."""
    pushed = {
        name: {"$each": [part.model_dump(by_alias=True) for part in parts], "$slice": MOST_STEPS}
        for name, parts in (("thinking_process", steps), ("tools_executed", tools))
        if parts
    }
    if not pushed:
        return True
    return await _change(execution, {"$push": pushed}, only_if={"status": "running"})


async def finish(execution: AgentExecution, outcome: Mapping[str, Any]) -> bool:
    """End a run with these fields, its status among them; False when it is over already."""
    fields = {**outcome, "completed_at": utc_now()}
    change = {"$set": fields, "$unset": {"lease_until": ""}}
    return await _change(execution, change, only_if={"status": {"$in": list(UNFINISHED)}})


async def delete_begun_before(agent: Agent, moment: datetime) -> AsyncIterator[int]:
    """Delete an agent's runs of long ago, the oldest first; after each batch, how many it deleted."""
    executions = AgentExecution.within(agent.scope)
    where = {"agent": agent.id, "createdAt": {"$lt": moment}}
    while rows := await executions.find(where, fields={"_id": 1}, sort=_OLDEST_FIRST, limit=_BATCH):
        yield await executions.delete_many({"_id": {"$in": [row["_id"] for row in rows]}})


async def each_for(scope: Scope, user_identifier: str) -> AsyncIterator[AgentExecution]:
    """Every run for an end user, the first first; few are held at once."""
    where: dict[str, Any] = {"metadata.user_identifier": {"$eq": user_identifier}}
    while rows := await AgentExecution.within(scope).find(where, sort=[("_id", 1)], limit=_PAGE):
        for row in rows:
            yield AgentExecution.from_stored(row)
        where["_id"] = {"$gt": rows[-1]["_id"]}


async def anonymise(scope: Scope, user_identifier: str) -> int:
    """Take out of the runs for an end user what was said in them, and whom they were for; answers how many.

    Those that still run are ended first, so that nothing is written to them any more.
    """
    executions = AgentExecution.within(scope)
    where: dict[str, Any] = {"metadata.user_identifier": {"$eq": user_identifier}}
    ended = {"status": "failed", "error": {"code": "USER_ERASED"}, "completed_at": utc_now()}
    done = 0
    while rows := await executions.find(where, fields={"_id": 1}, sort=[("_id", 1)], limit=_BATCH):
        some = {"_id": {"$in": [row["_id"] for row in rows]}}
        unfinished = {**some, "status": {"$in": list(UNFINISHED)}}
        await executions.update_many(unfinished, {"$set": ended, "$unset": {"lease_until": ""}})
        done += await executions.update_many(some, _ERASED)
        where["_id"] = {"$gt": rows[-1]["_id"]}
    return done


async def renew(execution: AgentExecution, lease_until: datetime) -> bool:
    """Say that a run goes on; False when it is over."""
    return await _change(execution, {"$set": {"lease_until": lease_until}}, only_if={"status": "running"})


async def each_abandoned(now: datetime) -> AsyncIterator[AgentExecution]:
    """All runs, of every tenant, that are not over although nobody runs them any more."""
    fields = {"_id": 1, "organization": 1, "project": 1, "agent": 1}
    async for raw in AgentExecution.across_tenants().find(_abandoned(now), fields):
        yield AgentExecution.from_stored(raw)


async def give_up(execution: AgentExecution, now: datetime, error: TaskError) -> bool:
    """End a run that nobody runs any more; False when somebody does, or it is over already."""
    fields = {"status": "failed", "error": error.model_dump(), "completed_at": now}
    change = {"$set": fields, "$unset": {"lease_until": ""}}
    return await _change(execution, change, only_if=_abandoned(now))


def _abandoned(now: datetime) -> dict[str, Any]:
    return {"status": {"$in": list(UNFINISHED)}, "lease_until": {"$lt": now}}


async def _change(
    execution: AgentExecution, change: Mapping[str, Any], *, only_if: Mapping[str, Any]
) -> bool:
    changed = await AgentExecution.within(execution.scope).update_one(
        {"_id": execution.id, **only_if}, change
    )
    return changed == 1
