"""Runs of task agents, as they are stored.

``pending`` → ``running`` → ``completed`` | ``failed`` | ``timeout``; each step is one conditional update.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from crafter.core.documents import Moment, OmitNone, ProjectDocument, Reference, Stored, StoredElement
from crafter.core.ids import EntityId
from crafter.core.queries import QueryShape
from crafter.core.time import utc_now

ExecutionStatus = Literal["pending", "running", "completed", "failed", "timeout"]
UNFINISHED: tuple[ExecutionStatus, ...] = ("pending", "running")

_IN_PROJECT = {"organization": "o", "project": "p"}
_NEWEST_FIRST = (("createdAt", -1), ("_id", -1))
_IN_A_MONTH = {"$gte": datetime(2026, 1, 1, tzinfo=UTC), "$lt": datetime(2026, 2, 1, tzinfo=UTC)}


class TaskStep(StoredElement):
    """One step on the way to the output."""

    step: str
    reasoning: OmitNone[str] = None
    timestamp: Moment = Field(default_factory=utc_now)
    data: Any = None


class ExecutedTool(StoredElement):
    """One run of a tool."""

    tool_name: str
    parameters: Any = None
    result: Any = None
    execution_time_ms: int = 0
    status: Literal["success", "error", "timeout"] = "success"
    error_message: str | None = None
    timestamp: Moment = Field(default_factory=utc_now)


class SuggestionsUsage(Stored):
    """The contract's figures of suggestions, which tasks have none of."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cost: float = 0.0
    generated: bool = False


class TaskUsage(Stored):
    """What a run took: tokens, dollars, calls of tools."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cost: float = 0.0
    tool_calls_count: int = 0
    suggestions: OmitNone[SuggestionsUsage] = Field(default_factory=SuggestionsUsage)


class TaskError(Stored):
    """Why there is no output."""

    message: str = ""
    code: str = "UNKNOWN_ERROR"


class TaskMetadata(Stored):
    """For whom the run was."""

    user_identifier: OmitNone[str] = None
    request_id: OmitNone[str] = None
    priority: str = "normal"


class AgentExecution(ProjectDocument):
    """One run of a task agent. It stays when the agent is deleted.

    ``user`` is the person who began it, ``user_api_key`` the platform key; ``lease_until`` says until when the process
    that runs it is taken to be alive, and goes when the run is over.
    """

    shard_key: ClassVar = (("organization", 1), ("_id", 1))

    agent: EntityId
    type: str = "task"
    input: Any = None
    output: OmitNone[Any] = None
    status: ExecutionStatus = "pending"
    thinking_process: list[TaskStep] = Field(default_factory=list)
    tools_executed: list[ExecutedTool] = Field(default_factory=list)
    output_files: list[dict[str, Any]] = Field(default_factory=list)
    usage: TaskUsage = Field(default_factory=TaskUsage)
    metadata: TaskMetadata = Field(default_factory=TaskMetadata)
    error: OmitNone[TaskError] = None
    execution_time_ms: OmitNone[int] = None
    started_at: OmitNone[Moment] = None
    completed_at: OmitNone[Moment] = None

    user: OmitNone[EntityId] = None
    user_api_key: OmitNone[EntityId] = None
    lease_until: OmitNone[Moment] = None

    references: ClassVar = (
        Reference("agent", "agents", restricts=False),
        Reference("project", "projects"),
    )
    query_shapes: ClassVar = (
        QueryShape("one run", {"_id": "e", **_IN_PROJECT}),
        QueryShape("runs of an agent", {**_IN_PROJECT, "agent": "a"}, _NEWEST_FIRST),
        QueryShape(
            "an agent's runs in one state", {**_IN_PROJECT, "agent": "a", "status": "s"}, _NEWEST_FIRST
        ),
        QueryShape(
            "an agent's runs of long ago",
            {**_IN_PROJECT, "agent": "a", "createdAt": {"$lt": datetime(2026, 1, 1, tzinfo=UTC)}},
            (("createdAt", 1), ("_id", 1)),
        ),
        QueryShape(
            "runs for an end user",
            {"organization": "o", "metadata.user_identifier": "u", "_id": {"$gt": "e"}},
            (("_id", 1),),
        ),
        QueryShape("some runs", {"_id": {"$in": ["e", "e2"]}, "organization": "o"}),
        QueryShape(
            "runs that were abandoned, anywhere",
            {
                "status": {"$in": list(UNFINISHED)},
                "lease_until": {"$lt": datetime(2026, 1, 1, tzinfo=UTC)},
            },
            everywhere=True,
        ),
        QueryShape("the newest runs of an organization", {"organization": "o"}, _NEWEST_FIRST),
        QueryShape("runs in a time", {"organization": "o", "createdAt": _IN_A_MONTH}),
        QueryShape("an agent's runs in a time", {**_IN_PROJECT, "agent": "a", "createdAt": _IN_A_MONTH}),
    )

    class Settings:
        name = "agentexecutions"
        indexes = [
            IndexModel([("agent", ASCENDING), ("status", ASCENDING)], name="agent_1_status_1"),
            IndexModel([("agent", ASCENDING), ("createdAt", DESCENDING)], name="agent_1_createdAt_-1"),
            IndexModel([("status", ASCENDING), ("createdAt", ASCENDING)], name="status_1_createdAt_1"),
            IndexModel([("organization", ASCENDING), ("_id", ASCENDING)], name="organization_1__id_1"),
            IndexModel(
                [("lease_until", ASCENDING)],
                name="lease_until_1",
                partialFilterExpression={"lease_until": {"$exists": True}},
            ),
            IndexModel(
                [("organization", ASCENDING), ("metadata.user_identifier", ASCENDING), ("_id", ASCENDING)],
                name="organization_1_metadata.user_identifier_1__id_1",
            ),
            IndexModel(
                [("organization", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)],
                name="organization_1_createdAt_-1__id_-1",
            ),
            IndexModel(
                [
                    ("organization", ASCENDING),
                    ("project", ASCENDING),
                    ("agent", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="organization_1_project_1_agent_1_createdAt_-1__id_-1",
            ),
            IndexModel(
                [
                    ("organization", ASCENDING),
                    ("project", ASCENDING),
                    ("agent", ASCENDING),
                    ("status", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="organization_1_project_1_agent_1_status_1_createdAt_-1__id_-1",
            ),
        ]
