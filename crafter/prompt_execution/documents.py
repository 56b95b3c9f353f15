"""The history and the cache of prompts, as they are stored."""

from datetime import UTC, datetime
from typing import ClassVar, Literal

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from crafter.core.documents import Moment, OmitNone, ProjectDocument, Reference, Stored
from crafter.core.ids import EntityId
from crafter.core.queries import QueryShape
from crafter.core.time import utc_now

ExecutionStatus = Literal["success", "error", "cached"]

_IN_PROJECT = {"organization": "o", "project": "p"}
_IN_A_MONTH = {"$gte": datetime(2026, 1, 1, tzinfo=UTC), "$lt": datetime(2026, 2, 1, tzinfo=UTC)}


class ExecutionUsage(Stored):
    """What an execution took: tokens, and dollars."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cost: float = 0.0


class ExecutionMetadata(Stored):
    """Which model answered, and why it stopped."""

    model: OmitNone[str] = None
    finish_reason: OmitNone[str] = None


class ExecutionError(Stored):
    """Why there is no answer."""

    message: str
    code: str


class PromptExecution(ProjectDocument):
    """One run of a prompt: what it took, not what was said. It stays when the prompt is deleted.

    A run that the cache answered is ``cached`` and cost nothing. ``prompt_version`` is the version that was run,
    ``user`` the person who ran it.
    """

    shard_key: ClassVar = (("organization", 1), ("project", 1), ("prompt", 1))

    prompt: EntityId
    api_key: EntityId
    usage: ExecutionUsage = Field(default_factory=ExecutionUsage)
    metadata: ExecutionMetadata = Field(default_factory=ExecutionMetadata)
    status: ExecutionStatus
    error: OmitNone[ExecutionError] = None

    prompt_version: OmitNone[int] = None
    user: OmitNone[EntityId] = None
    latency_ms: OmitNone[int] = None
    usage_estimated: OmitNone[bool] = None
    cost_unknown: OmitNone[bool] = None

    references: ClassVar = (
        Reference("prompt", "prompts", restricts=False),
        Reference("api_key", "apikeys", restricts=False),
        Reference("project", "projects", restricts=False),
    )
    query_shapes: ClassVar = (
        QueryShape(
            "executions of a prompt", {**_IN_PROJECT, "prompt": "p"}, (("createdAt", -1), ("_id", -1))
        ),
        QueryShape("executions in a time", {"organization": "o", "createdAt": _IN_A_MONTH}),
    )

    class Settings:
        name = "promptexecutions"
        indexes = [
            IndexModel(
                [
                    ("organization", ASCENDING),
                    ("project", ASCENDING),
                    ("prompt", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="organization_1_project_1_prompt_1_createdAt_-1__id_-1",
            ),
            IndexModel(
                [("organization", ASCENDING), ("createdAt", DESCENDING)],
                name="organization_1_createdAt_-1",
            ),
        ]


class PromptCache(ProjectDocument):
    """A model's answer to one exact request of one prompt; the request is in ``hash``."""

    hash: str
    prompt: EntityId
    result: str
    usage: ExecutionUsage = Field(default_factory=ExecutionUsage)
    metadata: ExecutionMetadata = Field(default_factory=ExecutionMetadata)
    hits: int = 1
    last_accessed: Moment = Field(default_factory=utc_now)

    references: ClassVar = (
        Reference("prompt", "prompts", restricts=False),
        Reference("project", "projects", restricts=False),
    )
    query_shapes: ClassVar = (
        QueryShape("the answer to a request", {**_IN_PROJECT, "hash": "h"}),
        QueryShape("answers to a prompt", {**_IN_PROJECT, "prompt": "p"}),
    )

    class Settings:
        name = "promptcaches"
        indexes = [
            IndexModel([("hash", ASCENDING)], name="hash_1", unique=True),
            IndexModel([("last_accessed", ASCENDING)], name="last_accessed_1"),
            IndexModel(
                [("organization", ASCENDING), ("project", ASCENDING), ("prompt", ASCENDING)],
                name="organization_1_project_1_prompt_1",
            ),
        ]
