"""Calls of models, as they are stored.

A row is written before anything is sent, as ``running``, and settled once: whoever hangs up, it is there. A row whose
process was killed becomes ``unknown``. Rows are never changed after that, but for the mark that a sum has them.
"""

from typing import ClassVar, Literal

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from crafter.core.documents import Moment, OmitNone, ProjectDocument, Reference, Stored
from crafter.core.ids import EntityId
from crafter.core.money import Money
from crafter.core.queries import QueryShape

CallKind = Literal["chat", "task", "prompt", "trial", "tool", "aside"]
Outcome = Literal["running", "success", "error", "cancelled", "unknown"]
ErrorType = Literal[
    "auth",
    "rate_limit",
    "quota",
    "context_length",
    "content_filter",
    "timeout",
    "network",
    "server",
    "invalid_request",
    "unknown",
]


_IN_PROJECT = {"organization": "o", "project": "p"}
_NEWEST_FIRST = (("_id", -1),)
_FILTERS = ("kind", "model", "credential", "outcome", "agent", "source.id")


class CallSource(Stored):
    """What the call was made for: a conversation, a run of a task, an execution of a prompt."""

    type: str
    id: str


class CallError(Stored):
    """Why there is no (whole) answer. The vendor's own words are in the answer to the caller, not here."""

    type: ErrorType
    code: str
    retryable: bool = False
    upstream_status: OmitNone[int] = None
    retry_after: OmitNone[float] = None


class CallTokens(Stored):
    """What was read and written; ``cached`` is the part of the input that the vendor had seen before."""

    input: int = 0
    output: int = 0
    cached: int = 0


class CallHold(Stored):
    """What the call may take at most, which budgets keep back for it; a call that was lost has taken it."""

    tokens: CallTokens
    cost: OmitNone[Money] = None
    cost_nano: int = 0
    price_ref: OmitNone[str] = None


class Call(ProjectDocument):
    """One attempt. ``cost`` is None where nobody knows the price, which ``price_state`` says; never 0 for that.

    ``cost_nano`` is the cost in billionths of a dollar, for sums; ``price_ref`` says by which price it was worked out.
    ``_id`` is ordered by time. Until ``deadline_at`` a row that is running is taken to be running.
    """

    shard_key: ClassVar = (("organization", 1), ("project", 1), ("_id", 1))

    kind: CallKind
    provider: str
    model: str
    credential: EntityId
    agent: OmitNone[EntityId] = None
    prompt: OmitNone[EntityId] = None
    prompt_version: OmitNone[int] = None
    source: OmitNone[CallSource] = None
    user: OmitNone[EntityId] = None
    user_api_key: OmitNone[EntityId] = None
    end_user_hash: OmitNone[str] = None
    streamed: bool = False
    attempt: int = 1
    outcome: Outcome = "running"
    error: OmitNone[CallError] = None
    tokens: CallTokens = Field(default_factory=CallTokens)
    usage_estimated: bool = False
    cost: OmitNone[Money] = None
    cost_nano: int = 0
    price_state: Literal["known", "unknown"] = "unknown"
    price_ref: OmitNone[str] = None
    latency_ms: OmitNone[int] = None
    ttft_ms: OmitNone[int] = None
    finish_reason: OmitNone[str] = None
    dropped_parameters: OmitNone[list[str]] = None
    deadline_at: OmitNone[Moment] = None
    held: OmitNone[CallHold] = None
    folded: OmitNone[bool] = Field(
        None, description="Whether the sums of usage have it; absent while it runs."
    )

    references: ClassVar = (
        Reference("credential", "apikeys", restricts=False),
        Reference("agent", "agents", restricts=False),
        Reference("prompt", "prompts", restricts=False),
        Reference("project", "projects", restricts=False),
    )
    query_shapes: ClassVar = (
        QueryShape("one call", {"_id": "c", **_IN_PROJECT}),
        QueryShape("calls of a project", {**_IN_PROJECT, "_id": {"$lt": "c"}}, _NEWEST_FIRST),
        *(
            QueryShape(
                f"calls of a project by {name}",
                {**_IN_PROJECT, name: "x", "_id": {"$lt": "c"}},
                _NEWEST_FIRST,
            )
            for name in _FILTERS
        ),
        QueryShape(
            "calls of an organization that wait to be summed up",
            {"organization": "o", "folded": False, "createdAt": {"$gte": "2026-01-31T09:15:00Z"}},
        ),
        QueryShape(
            "calls of a project that wait to be summed up",
            {**_IN_PROJECT, "folded": False},
            (("_id", 1),),
        ),
        QueryShape("calls that wait to be summed up", {"folded": False}, everywhere=True),
        QueryShape(
            "calls that nobody makes any more",
            {"outcome": "running", "deadline_at": {"$lt": "2026-01-31T09:15:00Z"}},
            (("deadline_at", 1),),
            everywhere=True,
        ),
    )

    class Settings:
        name = "calls"
        indexes = [
            IndexModel(
                [("organization", ASCENDING), ("project", ASCENDING), ("_id", ASCENDING)],
                name="organization_1_project_1__id_1",
            ),
            *(
                IndexModel(
                    [
                        ("organization", ASCENDING),
                        ("project", ASCENDING),
                        (name, ASCENDING),
                        ("_id", DESCENDING),
                    ],
                    name=f"organization_1_project_1_{name}_1__id_-1",
                )
                for name in _FILTERS
            ),
            IndexModel(
                [
                    ("organization", ASCENDING),
                    ("folded", ASCENDING),
                    ("project", ASCENDING),
                    ("_id", ASCENDING),
                ],
                name="unfolded_organization_1_project_1__id_1",
                partialFilterExpression={"folded": False},
            ),
            IndexModel([("folded", ASCENDING)], name="unfolded_1", partialFilterExpression={"folded": False}),
            IndexModel(
                [("deadline_at", ASCENDING)],
                name="running_1_deadline_at_1",
                partialFilterExpression={"outcome": "running"},
            ),
        ]
