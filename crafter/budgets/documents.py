"""Budgets, and what calls hold on them, as they are stored.

Amounts are whole numbers: billionths of a dollar, tokens, or calls, by the unit of the budget.
"""

from typing import ClassVar, Literal

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from crafter.core.documents import Moment, OmitNone, ProjectDocument, Reference, Stored, TenantDocument
from crafter.core.ids import EntityId
from crafter.core.queries import QueryShape

ScopeType = Literal["organization", "project", "agent", "credential", "end_user"]
Unit = Literal["usd", "tokens", "requests"]
Window = Literal["total", "day", "week", "month"]
Action = Literal["refuse", "warn"]
OnUnknownPrice = Literal["refuse", "allow"]
HoldState = Literal["held", "settled", "released", "expired"]

MOST_OPEN = 1_000
"""Calls that may be under way under one budget."""

MOST_RESETS = 20
"""Resets that a budget remembers."""

_NEWEST_FIRST = (("_id", -1),)


class BudgetScope(Stored):
    """Whose spending counts. The id of an end user is the hash that the ledger has."""

    type: ScopeType
    id: str


class OpenHold(Stored):
    """What a call that is under way may take at most."""

    call: EntityId
    amount: int


class Reset(Stored):
    """Somebody set what was spent to nothing."""

    at: Moment
    by: EntityId
    reason: str
    spent: int


class Budget(TenantDocument):
    """How much may be spent in a window of time. ``spent`` counts from ``period_start``.

    What is held is in ``open``, beside what is spent, so that one conditional update decides about a call, and each
    call is charged once, however often that is tried. ``open`` is carried into the next period.
    """

    name: str
    covers: BudgetScope = Field(alias="scope")
    unit: Unit
    limit: int
    window: Window
    soft_pct: int = 80
    action: Action = "refuse"
    on_unknown_price: OnUnknownPrice = "refuse"
    period_start: Moment
    spent: int = 0
    open: list[OpenHold] = Field(default_factory=list)
    resets: list[Reset] = Field(default_factory=list)

    references: ClassVar = (
        Reference("scope.id", "projects", restricts=False),
        Reference("scope.id", "agents", restricts=False),
        Reference("scope.id", "apikeys", restricts=False),
    )
    query_shapes: ClassVar = (
        QueryShape("one budget", {"_id": "b", "organization": "o"}),
        QueryShape("budgets of an organization", {"organization": "o", "_id": {"$lt": "b"}}, _NEWEST_FIRST),
        QueryShape(
            "budgets that apply to a call",
            {
                "organization": "o",
                "$or": [
                    {"scope.type": "organization", "scope.id": "o"},
                    {"scope.type": "agent", "scope.id": "a"},
                ],
            },
        ),
        QueryShape("a budget on which a call holds", {"_id": "b", "organization": "o", "open.call": "c"}),
    )

    class Settings:
        name = "budgets"
        indexes = [
            IndexModel(
                [
                    ("organization", ASCENDING),
                    ("scope.type", ASCENDING),
                    ("scope.id", ASCENDING),
                    ("unit", ASCENDING),
                    ("window", ASCENDING),
                ],
                name="organization_1_scope.type_1_scope.id_1_unit_1_window_1",
                unique=True,
            ),
            IndexModel([("organization", ASCENDING), ("_id", DESCENDING)], name="organization_1__id_-1"),
        ]


class Claim(Stored):
    """What a call holds on one budget."""

    budget: EntityId
    unit: Unit
    window: Window
    amount: int


class Taken(Stored):
    """What a call took."""

    cost_nano: int = 0
    tokens: int = 0
    requests: int = 0


class BudgetHold(ProjectDocument):
    """What a call holds on budgets; ``_id`` is the call's. Written before anything is held, so that nothing is lost.

    After ``expires_at`` a hold that nobody has settled is settled by what the ledger says of the call.
    """

    shard_key: ClassVar = (("organization", 1), ("project", 1), ("_id", 1))

    claims: list[Claim] = Field(max_length=64)
    state: HoldState = "held"
    taken: OmitNone[Taken] = None
    expires_at: Moment
    settled_at: OmitNone[Moment] = None
    purge_at: OmitNone[Moment] = None

    references: ClassVar = (
        Reference("claims.budget", "budgets", restricts=False),
        Reference("project", "projects", restricts=False),
    )
    query_shapes: ClassVar = (
        QueryShape("one hold", {"_id": "c", "organization": "o", "project": "p", "state": "held"}),
        QueryShape(
            "holds on a budget",
            {"organization": "o", "claims.budget": "b", "_id": {"$lt": "c"}},
            _NEWEST_FIRST,
        ),
        QueryShape(
            "holds that nobody has settled",
            {"state": "held", "expires_at": {"$lt": "2026-01-31T09:15:00Z"}},
            (("expires_at", 1),),
            everywhere=True,
        ),
    )

    class Settings:
        name = "budget_holds"
        indexes = [
            IndexModel(
                [("organization", ASCENDING), ("project", ASCENDING), ("_id", ASCENDING)],
                name="organization_1_project_1__id_1",
            ),
            IndexModel(
                [("organization", ASCENDING), ("claims.budget", ASCENDING), ("_id", DESCENDING)],
                name="organization_1_claims.budget_1__id_-1",
            ),
            IndexModel(
                [("expires_at", ASCENDING)],
                name="held_1_expires_at_1",
                partialFilterExpression={"state": "held"},
            ),
            IndexModel([("purge_at", ASCENDING)], name="purge_at_1", expireAfterSeconds=0),
        ]
