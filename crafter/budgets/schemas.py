"""Budgets on the wire; amounts are text, so that no digit is lost on the way."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from crafter.budgets.documents import Action, HoldState, OnUnknownPrice, ScopeType, Unit, Window
from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import IdentifiedResource, Name, RequestBody, ResponseBody, WireTime

Amount = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{1,18}(\.[0-9]{1,9})?$", max_length=30), Field(examples=["25"])
]
"""An amount in decimal digits: US dollars, tokens, or calls."""

Percent = Annotated[int, Field(ge=1, le=100)]
ScopeId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class BudgetScopeInput(RequestBody):
    """Whose spending counts: the id of the organization, of a project, an agent or a provider key in it.

    An end user is called what callers call them; only a hash of that is stored, and answered.
    """

    type: Annotated[ScopeType, Field(examples=["organization"])]
    id: ScopeId


class BudgetCreate(RequestBody):
    """A new budget. Windows are those of UTC; weeks begin on Monday."""

    name: Annotated[Name, Field(examples=["Everything"])]
    scope: BudgetScopeInput
    unit: Annotated[Unit, Field(examples=["usd"])]
    limit: Amount
    window: Annotated[Window, Field(examples=["month"])]
    soft_pct: Percent = Field(80, description="Percent of the limit from which on there is a warning.")
    action: Action = Field("refuse", description="What happens to a call for which there is no room.")
    on_unknown_price: OnUnknownPrice = Field(
        "refuse", description="What a budget of dollars that refuses does where nobody knows the price."
    )


class BudgetUpdate(RequestBody):
    """Some fields of a budget; absent ones stay as they are. What it counts cannot change."""

    name: Name | None = None
    limit: Amount | None = None
    soft_pct: Percent | None = None
    action: Action | None = None
    on_unknown_price: OnUnknownPrice | None = None


class BudgetReset(RequestBody):
    """Why what was spent is set to nothing."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class BudgetQuery(BaseModel):
    """Which budgets to list; the newest first. An end user is looked for by what callers call them."""

    scope_type: ScopeType | None = None
    scope_id: ScopeId | None = None
    unit: Unit | None = None


class BudgetScopeRead(ResponseBody):
    """Whose spending counts."""

    type: ScopeType
    id: str


class ResetRead(ResponseBody):
    """When somebody set what was spent to nothing, and why."""

    at: WireTime
    by: EntityId
    reason: str
    spent: str


class BudgetRead(IdentifiedResource):
    """A budget, and how it stands.

    ``reserved`` is what calls that are under way may take at most; ``left`` is what neither is spent nor reserved.
    Without periods ``resets_at`` is null.
    """

    name: str
    scope: BudgetScopeRead
    unit: Unit
    limit: str
    window: Window
    soft_pct: int
    action: Action
    on_unknown_price: OnUnknownPrice
    spent: str
    reserved: str
    left: str
    state: Literal["ok", "warning", "exceeded"]
    period_start: WireTime
    resets_at: WireTime | None
    resets: list[ResetRead]


class BudgetPage(ResponseBody):
    """A page of budgets."""

    data: list[BudgetRead]
    page: dict[str, object]


class HoldRead(ResponseBody):
    """What a call holds on the budget, or held; ``taken`` is what it took in the end.

    ``expired`` is a hold whose server was killed: what it held counts as spent, if the call was made.
    """

    call: EntityId
    project: EntityId
    state: HoldState
    amount: str
    taken: OmitNone[str] = None
    held_at: WireTime
    expires_at: WireTime
    settled_at: OmitNone[WireTime] = None


class HoldPage(ResponseBody):
    """A page of holds."""

    data: list[HoldRead]
    page: dict[str, object]
