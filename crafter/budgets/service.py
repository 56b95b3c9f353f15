"""Every query and every rule about budgets; what calls hold on them is in ``holds``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from pymongo.errors import DuplicateKeyError

from crafter.budgets import amounts, periods, pipelines, presentation, refusals
from crafter.budgets.documents import Budget, BudgetScope, Claim, ScopeType, Unit
from crafter.budgets.errors import BudgetExists, BudgetNotFound, BudgetScopeNotFound
from crafter.budgets.schemas import BudgetCreate, BudgetQuery, BudgetUpdate
from crafter.calls.end_users import hash_of
from crafter.core.errors import CrafterError, FieldError, ValidationFailed
from crafter.core.etags import revision_filter, stale
from crafter.core.fresh import Remembered
from crafter.core.pagination import CursorPage, CursorSigner
from crafter.core.references import is_there
from crafter.core.secrets import Keyring
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now

_NEWEST_FIRST = (("_id", -1),)
_COLLECTIONS: dict[ScopeType, str] = {"project": "projects", "agent": "agents", "credential": "apikeys"}
_ORDER: Sequence[ScopeType] = ("organization", "project", "agent", "credential", "end_user")
_MOST_APPLYING = 100
"""There are no more: of each of five scopes one in each unit and window."""

_has_any: Remembered[str, bool] = Remembered()
"""Whether an organization has any budget, so that calls without budgets ask nobody."""

log = structlog.get_logger("crafter.budgets")


@dataclass(frozen=True, slots=True)
class Account:
    """On whose account a call is made; ``scope`` is the project."""

    scope: Scope
    credential: str
    agent: str | None = None
    end_user_hash: str | None = None

    def parts(self) -> list[tuple[ScopeType, str]]:
        """Whatever may have a budget, the widest first."""
        named: dict[ScopeType, str | None] = {
            "organization": self.scope.organization,
            "project": self.scope.project,
            "agent": self.agent,
            "credential": self.credential,
            "end_user": self.end_user_hash,
        }
        return [(kind, one) for kind in _ORDER if (one := named[kind]) is not None]


async def create_budget(scope: Scope, new: BudgetCreate, keyring: Keyring) -> Budget:
    """Make a budget of an organization. The unique index decides, so of two racers one wins.

    Raises ValidationFailed, BudgetScopeNotFound and BudgetExists.
    """
    now = utc_now()
    budget = Budget(
        organization=scope.organization,
        covers=await _scope_of(scope, new.scope.type, new.scope.id, keyring),
        limit=_limit(new.unit, new.limit),
        period_start=now,
        **new.model_dump(exclude={"scope", "limit"}),
    )
    try:
        await Budget.within(scope).insert(budget.to_stored())
    except DuplicateKeyError:
        raise BudgetExists from None
    _has_any.forget()
    return budget


async def list_page(
    scope: Scope, query: BudgetQuery, page: CursorPage, cursors: CursorSigner, keyring: Keyring
) -> tuple[list[Budget], str | None]:
    """A page of budgets, the newest first, and the cursor of the next one. Raises ValidationFailed."""
    listing = {"list": "budgets", **scope.as_filter(), **query.model_dump(exclude_none=True)}
    where: dict[str, Any] = {}
    if query.scope_type is not None:
        where["scope.type"] = {"$eq": query.scope_type}
    if query.scope_id is not None:
        where["scope.id"] = {"$in": [query.scope_id, hash_of(keyring, scope.organization, query.scope_id)]}
    if query.unit is not None:
        where["unit"] = {"$eq": query.unit}
    if page.cursor is not None:
        [last] = cursors.open(page.cursor, listing)
        where["_id"] = {"$lt": last}
    rows = await Budget.within(scope).find(where, sort=_NEWEST_FIRST, limit=page.limit + 1)
    budgets = [Budget.from_stored(row) for row in rows[: page.limit]]
    following = cursors.seal([budgets[-1].id], listing) if len(rows) > page.limit else None
    return budgets, following


async def get_budget(scope: Scope, budget_id: str) -> Budget:
    """One budget of an organization. Raises BudgetNotFound."""
    raw = await Budget.within(scope).find_one({"_id": budget_id})
    if raw is None:
        raise BudgetNotFound
    return Budget.from_stored(raw)


async def update_budget(budget: Budget, changes: BudgetUpdate, revision: int) -> Budget:
    """Change some fields. Raises ValidationFailed, BudgetNotFound and StaleWrite."""
    fields = changes.model_dump(exclude_none=True)
    if changes.limit is not None:
        fields["limit"] = _limit(budget.unit, changes.limit)
    raw = await Budget.within(budget.scope).change_one(
        {"_id": budget.id, **revision_filter(revision)}, {"$set": fields}
    )
    if raw is None:
        raise await _why_not(budget)
    return Budget.from_stored(raw)


async def reset_budget(budget: Budget, by: str, reason: str, revision: int | None) -> Budget:
    """Set what was spent to nothing; what calls hold stays held. Raises BudgetNotFound and StaleWrite."""
    now = utc_now()
    update = pipelines.reset(by, reason, periods.start_of(budget.window, now), now)
    raw = await Budget.within(budget.scope).change_one(
        {"_id": budget.id, **revision_filter(revision)}, update
    )
    if raw is None:
        raise await _why_not(budget)
    return Budget.from_stored(raw)


async def delete_budget(budget: Budget, revision: int | None) -> None:
    """Delete a budget; calls that are under way go on. Raises BudgetNotFound and StaleWrite."""
    if not await Budget.within(budget.scope).delete_one({"_id": budget.id, **revision_filter(revision)}):
        raise await _why_not(budget)


async def find_applying(account: Account) -> list[Budget]:
    """The budgets that a call counts on, in the order in which they are held: the widest first.

    An organization without any budget is asked about once a second.
    """
    budgets = Budget.within(account.scope.whole_organization)
    if not await _has_any.get(account.scope.organization, lambda: budgets.exists({})):
        return []
    parts = [{"scope.type": kind, "scope.id": {"$eq": one}} for kind, one in account.parts()]
    rows = await budgets.find({"$or": parts}, fields={"open": 0, "resets": 0}, limit=_MOST_APPLYING)
    found = [Budget.from_stored(row) for row in rows]
    return sorted(found, key=lambda budget: (_ORDER.index(budget.covers.type), budget.id))


async def hold(budget: Budget, call: str, amount: int, now: datetime) -> None:
    """Keep an amount back for a call, if there is room for it; doing so again changes nothing.

    A budget that is gone meanwhile limits nobody. Raises BudgetExceeded and BudgetBusy.
    """
    start = periods.start_of(budget.window, now)
    budgets = Budget.within(budget.scope)
    where = {"_id": budget.id, **pipelines.has_room(call, amount, start)}
    if await budgets.change_one(where, pipelines.held(call, amount, start), fields={"_id": 1}) is not None:
        return
    raw = await budgets.find_one({"_id": budget.id})
    if raw is None:
        return
    present = Budget.from_stored(raw)
    if all(one.call != call for one in present.open):
        raise refusals.no_room(present, amount, now)


async def charge(scope: Scope, claim: Claim, call: str, amount: int, now: datetime) -> None:
    """Put what a call took in the place of what it holds; nothing happens where it holds nothing (any more)."""
    start = periods.start_of(claim.window, now)
    after = await Budget.within(scope.whole_organization).change_one(
        {"_id": claim.budget, **pipelines.holds(call)}, pipelines.charged(call, amount, start)
    )
    if after is not None:
        _note_threshold(Budget.from_stored(after), amount, now)


async def release(scope: Scope, claim: Claim, call: str) -> None:
    """Let go of what a call holds."""
    where = {"_id": claim.budget, **pipelines.holds(call)}
    await Budget.within(scope.whole_organization).change_one(
        where, pipelines.released(call), fields={"_id": 1}
    )


def _note_threshold(budget: Budget, amount: int, now: datetime) -> None:
    """Log that the part of the limit was passed from which on there is a warning, or all of it."""
    spent = presentation.spent_in(budget, now)
    for percent in (100, budget.soft_pct):
        if (spent - amount) * 100 < budget.limit * percent <= spent * 100:
            log.warning(
                "budget_threshold",
                budget=budget.id,
                organization=budget.organization,
                percent=percent,
                unit=budget.unit,
                spent=amounts.as_text(budget.unit, spent),
            )
            return


async def _scope_of(scope: Scope, kind: ScopeType, named: str, keyring: Keyring) -> BudgetScope:
    if kind == "end_user":
        return BudgetScope(type=kind, id=hash_of(keyring, scope.organization, named))
    if kind == "organization":
        there = named == scope.organization
    else:
        there = await is_there(scope, _COLLECTIONS[kind], named)
    if not there:
        raise BudgetScopeNotFound
    return BudgetScope(type=kind, id=named)


def _limit(unit: Unit, text: str) -> int:
    try:
        return amounts.parse(unit, text)
    except ValueError as error:
        raise ValidationFailed([FieldError("limit", str(error))]) from None


async def _why_not(budget: Budget) -> CrafterError:
    """Why a change did not match: another revision, or gone."""
    raw = await Budget.within(budget.scope).find_one({"_id": budget.id}, fields={"revision": 1})
    return stale(raw.get("revision", 0)) if raw else BudgetNotFound()
