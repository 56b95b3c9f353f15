"""Every query and every rule about agents."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymongo.errors import DuplicateKeyError

from crafter.agents import pipelines
from crafter.agents.checks import (
    ModelChoice,
    check_fallbacks,
    check_model,
    check_shared_prompt,
    check_suggestions,
    choose_tools,
    read_transformers,
)
from crafter.agents.configuration import LlmSettings
from crafter.agents.documents import STATUS_HISTORY, Agent, StatusChange, effective_status, status_filter
from crafter.agents.errors import AgentNameTaken, AgentNotFound
from crafter.agents.merging import changed_paths, merged
from crafter.agents.schemas import PROMPT_REQUIRED, AgentCreate, AgentListQuery, AgentRead, AgentUpdate
from crafter.agents.secrets import TRANSFORMERS, seal_handoff, seal_webhooks
from crafter.core.errors import FieldError, ValidationFailed
from crafter.core.etags import revision_filter, stale
from crafter.core.secrets import Keyring
from crafter.core.tenancy import Scope, ScopeSet
from crafter.core.time import utc_now
from crafter.organizations.service import Access
from crafter.projects import service as project_service
from crafter.projects.documents import Project
from crafter.projects.errors import ProjectNotFound

FAILURES_UNTIL_ERROR = 3

_ATTEMPTS = 20
_REASON_LENGTH = 500
_SUMMARY = dict.fromkeys(("name", "description", "type", "version", "is_active", "createdAt"), 1)
_SORTS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "name": (("name", 1),),
    "-createdAt": (("createdAt", -1), ("_id", -1)),
}


@dataclass(frozen=True, slots=True)
class AgentEdit:
    """A change that was made up from an agent; it is stored if the agent is still the same and ``where`` holds."""

    update: Mapping[str, Any]
    where: Mapping[str, Any] = field(default_factory=dict)
    array_filters: Sequence[Mapping[str, Any]] = ()


PlanEdit = Callable[[Agent], Awaitable[AgentEdit]]
AgentDeleted = Callable[[Agent], Awaitable[object]]
_when_agent_deleted: list[AgentDeleted] = []


def when_agent_deleted(react: AgentDeleted) -> None:
    """Have a feature above remove what belongs to an agent; called with the agent that was deleted."""
    if react not in _when_agent_deleted:
        _when_agent_deleted.append(react)


async def create_agent(access: Access, project_id: str, new: AgentCreate, keyring: Keyring) -> Agent:
    """Make an agent. The unique index decides about its name, so of two racers one wins.

    Raises ProjectNotFound, what the checks raise, and AgentNameTaken.
    """
    given = new.given()
    project = await _get_project(access, project_id)
    blank = Agent(
        organization=project.organization,
        project=project.id,
        name=new.name,
        description="",
        type=new.type,
        api_key=new.api_key,
        llm_settings=LlmSettings(model=new.llm_settings.model),
    )
    agent = await _completed(blank, given, keyring, previous=None)
    try:
        await Agent.within(agent.scope).insert(agent.to_stored())
    except DuplicateKeyError:
        raise AgentNameTaken from None
    return agent


async def list_agents(scope: Scope, query: AgentListQuery) -> list[dict[str, Any]]:
    """A project's agents as they are stored, without their history."""
    where: dict[str, Any] = {}
    if query.type is not None:
        where["type"] = query.type
    if query.status is not None:
        where.update(status_filter(query.status))
    if query.name:
        where["name"] = {"$gte": query.name, "$lt": query.name + "\U0010ffff"}
    return await Agent.within(scope).find(
        where, fields=AgentRead.fields(), sort=_SORTS[query.sort], skip=query.skip, limit=query.rows
    )


async def list_names(scope: Scope, *, limit: int = 1_000) -> list[dict[str, Any]]:
    """A project's agents by name, in short: ``[{"_id", "id", "name", "type", "status"}]``."""
    fields = dict.fromkeys(("name", "type", "status", "is_active"), 1)
    rows = await Agent.within(scope).find({}, fields=fields, sort=_SORTS["name"], limit=limit)
    return [
        {
            "_id": row["_id"],
            "id": row["_id"],
            "name": row.get("name", ""),
            "type": row.get("type", "chatbot"),
            "status": effective_status(row.get("is_active", True), row.get("status", "active")),
        }
        for row in rows
    ]


async def list_active(scope: Scope, *, limit: int = 1_000) -> list[dict[str, Any]]:
    """The agents of a project that are switched on, by name: what is stored of them, in short."""
    return await Agent.within(scope).find(
        {"is_active": {"$ne": False}}, fields=_SUMMARY, sort=_SORTS["name"], limit=limit
    )


async def find_active(scope: Scope, name: str) -> Agent | None:
    """The agent of a project that has this id, or else this name, if it is switched on."""
    agents, on = Agent.within(scope), {"is_active": {"$ne": False}}
    raw = await agents.find_one({"_id": name, **on}) or await agents.find_one({"name": name, **on})
    return None if raw is None else Agent.from_stored(raw)


async def count_agents(scope: Scope) -> int:
    """How many agents there are, counted up to 10,000."""
    return await Agent.within(scope).count({})


async def each_with_retention() -> AsyncIterator[Agent]:
    """Every agent, whoever's, that keeps things for a time only; each as it is when its turn comes."""
    field = "gdpr.retention_days"
    where: dict[str, Any] = {field: {"$gte": 1}}
    while True:
        raw = await Agent.across_tenants().find_one(
            {**where, "$expr": {"$isNumber": f"${field}"}}, sort=[(field, 1), ("_id", 1)]
        )
        if raw is None:
            return
        yield Agent.from_stored(raw)
        days = raw["gdpr"]["retention_days"]
        where = {"$or": [{field: days, "_id": {"$gt": raw["_id"]}}, {field: {"$gt": days}}]}


async def find_summaries(scope: Scope | ScopeSet, agent_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What is stored of some agents, in short, by id; those that are gone are missing."""
    wanted = sorted(set(agent_ids))
    rows = await Agent.within_all(scope).find(
        {"_id": {"$in": wanted}}, fields=_SUMMARY, limit=len(wanted) or 1
    )
    return {row["_id"]: row for row in rows}


async def get_agent(scope: Scope, agent_id: str) -> Agent:
    """One agent of the project. Raises AgentNotFound, also for another project's."""
    raw = await Agent.within(scope).find_one({"_id": agent_id})
    if raw is None:
        raise AgentNotFound
    return Agent.from_stored(raw)


async def update_agent(
    scope: Scope, agent_id: str, changes: AgentUpdate, revision: int | None, keyring: Keyring
) -> Agent:
    """Change some fields, and raise the version.

    Raises AgentNotFound, StaleWrite, ValidationFailed, what the checks raise, and AgentNameTaken.
    """
    given = changes.given()

    async def plan(agent: Agent) -> AgentEdit:
        after = await _completed(agent, given, keyring, previous=agent)
        update = {**changed_paths(given, after), "$inc": {"version": 1}}
        _switch(update, agent, given.get("is_active"))
        return AgentEdit(update)

    try:
        return await edit_agent(scope, agent_id, revision, plan)
    except DuplicateKeyError:
        raise AgentNameTaken from None


async def edit_agent(scope: Scope, agent_id: str, revision: int | None, plan: PlanEdit) -> Agent:
    """Change an agent by what ``plan`` makes of it, and answer it as it is afterwards.

    The change is made from one revision and stored only on that one, so it cannot undo another; without
    ``revision`` it is planned again from what somebody else has stored meanwhile.
    Raises AgentNotFound, StaleWrite, and what ``plan`` raises.
    """
    for _ in range(_ATTEMPTS):
        agent = await get_agent(scope, agent_id)
        if revision is not None and agent.revision != revision:
            break
        edit = await plan(agent)
        where = {**edit.where, "_id": agent_id, **revision_filter(agent.revision)}
        raw = await Agent.within(scope).change_one(
            where, edit.update, array_filters=edit.array_filters or None
        )
        if raw is not None:
            return Agent.from_stored(raw)
    raise stale(agent.revision)


async def delete_agent(agent: Agent, revision: int | None) -> None:
    """Delete an agent, and what belongs to it. Raises StaleWrite and AgentNotFound."""
    if not await Agent.within(agent.scope).delete_one({"_id": agent.id, **revision_filter(revision)}):
        raise stale((await get_agent(agent.scope, agent.id)).revision)
    for react in _when_agent_deleted:
        await react(agent)


async def set_active(scope: Scope, agent_id: str, is_active: bool, revision: int | None) -> Agent:
    """Switch an agent on, which also ends an error, or off. Raises AgentNotFound and StaleWrite."""
    raw = await Agent.within(scope).change_one(
        {"_id": agent_id, **revision_filter(revision)}, pipelines.switched(is_active, utc_now())
    )
    if raw is None:
        raise stale((await get_agent(scope, agent_id)).revision)
    return Agent.from_stored(raw)


async def record_failure(agent: Agent, reason: str, threshold: int = FAILURES_UNTIL_ERROR) -> None:
    """Note that a provider failed the agent; ``threshold`` times in a row put an active agent into error."""
    pipeline = pipelines.failed(reason[:_REASON_LENGTH], threshold, utc_now())
    await Agent.within(agent.scope).change_one({"_id": agent.id}, pipeline, fields={"_id": 1})


async def record_success(agent: Agent) -> None:
    """Note that a provider answered the agent: its failures are forgotten, and an error is over."""
    troubled = {"$or": [{"consecutive_failures": {"$gt": 0}}, {"status": "error"}]}
    await Agent.within(agent.scope).change_one(
        {"_id": agent.id, **troubled}, pipelines.succeeded(utc_now()), fields={"_id": 1}
    )


async def _get_project(access: Access, project_id: str) -> Project:
    try:
        return await project_service.get_project(access, project_id)
    except ProjectNotFound:
        raise ProjectNotFound("Project not found in this organization") from None


async def _completed(
    before: Agent, given: Mapping[str, Any], keyring: Keyring, *, previous: Agent | None
) -> Agent:
    """The agent as it will be stored. The checks are made in the contract's order."""
    after = merged(before, given)
    _check_prompt(before, after, given)
    if given.keys() & {"prompt", "prompt_variables"}:
        await check_shared_prompt(after)
    await check_model(before.scope, ModelChoice.of(after), ModelChoice.of(previous) if previous else None)
    await check_fallbacks(after, previous)
    parts: dict[str, Any] = {}
    if "tools" in given:
        parts["tools"] = await choose_tools(given["tools"], before.tools)
    await check_suggestions(before.scope, after.question_suggestions, before.question_suggestions)
    if "message_transformers" in given:
        read = read_transformers(given["message_transformers"])
        ids = [one.get("id") for one in given["message_transformers"]]
        wanted = list(zip(ids, read, strict=True))
        parts["message_transformers"] = seal_webhooks(
            before, TRANSFORMERS, before.message_transformers, wanted, keyring
        )
    if "handoff_config" in given.get("config", {}):
        handoff = seal_handoff(before, after.config.handoff_config, keyring)
        parts["config"] = after.config.model_copy(update={"handoff_config": handoff})
    complete: Agent = after.model_copy(update=parts)
    return complete


def _check_prompt(before: Agent, after: Agent, given: Mapping[str, Any]) -> None:
    """An agent keeps its prompt, unless it is written in sections. Raises ValidationFailed."""
    elsewhere = after.prompt is not None or after.config.enable_small_agent_graph
    before_elsewhere = before.prompt is not None or before.config.enable_small_agent_graph
    if not after.system_prompt.strip() and not elsewhere and ("system_prompt" in given or before_elsewhere):
        raise ValidationFailed([FieldError("system_prompt", PROMPT_REQUIRED)])


def _switch(update: dict[str, Any], agent: Agent, is_active: bool | None) -> None:
    """Add to an update what switching the agent on or off means; an error stays while the agent stays on."""
    if is_active is None or is_active == agent.is_active:
        return
    target = effective_status(is_active, "active")
    change = StatusChange(from_status=agent.status, to=target, at=utc_now())
    update.setdefault("$set", {}).update(is_active=is_active, status=target, consecutive_failures=0)
    update.setdefault("$unset", {})["status_reason"] = ""
    update["$push"] = {
        "status_history": {"$each": [change.model_dump(by_alias=True)], "$slice": -STATUS_HISTORY}
    }
