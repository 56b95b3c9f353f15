"""How budgets and holds are answered: with amounts as text, and with how things stand now."""

from datetime import datetime
from typing import Literal

from crafter.budgets import amounts, periods
from crafter.budgets.documents import Budget, BudgetHold
from crafter.budgets.schemas import BudgetRead, BudgetScopeRead, HoldRead, ResetRead


def spent_in(budget: Budget, now: datetime) -> int:
    """What was spent in the present period: nothing, if it has begun since."""
    return budget.spent if budget.period_start >= periods.start_of(budget.window, now) else 0


def reserved_in(budget: Budget) -> int:
    """What calls that are under way may take at most."""
    return sum(hold.amount for hold in budget.open)


def show(budget: Budget, now: datetime) -> BudgetRead:
    """A budget, as it stands."""
    unit, spent, reserved = budget.unit, spent_in(budget, now), reserved_in(budget)
    return BudgetRead(
        stored_id=budget.id,
        created_at=budget.created_at,
        updated_at=budget.updated_at,
        version_key=budget.version_key,
        name=budget.name,
        scope=BudgetScopeRead(type=budget.covers.type, id=budget.covers.id),
        unit=unit,
        limit=amounts.as_text(unit, budget.limit),
        window=budget.window,
        soft_pct=budget.soft_pct,
        action=budget.action,
        on_unknown_price=budget.on_unknown_price,
        spent=amounts.as_text(unit, spent),
        reserved=amounts.as_text(unit, reserved),
        left=amounts.as_text(unit, max(0, budget.limit - spent - reserved)),
        state=_state(budget, spent),
        period_start=max(budget.period_start, periods.start_of(budget.window, now)),
        resets_at=periods.end_of(budget.window, now),
        resets=[
            ResetRead(at=one.at, by=one.by, reason=one.reason, spent=amounts.as_text(unit, one.spent))
            for one in reversed(budget.resets)
        ],
    )


def show_hold(hold: BudgetHold, budget: Budget) -> HoldRead | None:
    """What the call holds on this budget; None for a row that does not say."""
    claim = next((claim for claim in hold.claims if claim.budget == budget.id), None)
    if claim is None:
        return None
    taken = None if hold.taken is None else amounts.of_unit(claim.unit, hold.taken)
    return HoldRead(
        call=hold.id,
        project=hold.project,
        state=hold.state,
        amount=amounts.as_text(claim.unit, claim.amount),
        taken=None if taken is None else amounts.as_text(claim.unit, taken),
        held_at=hold.created_at,
        expires_at=hold.expires_at,
        settled_at=hold.settled_at,
    )


def _state(budget: Budget, spent: int) -> Literal["ok", "warning", "exceeded"]:
    if spent >= budget.limit:
        return "exceeded"
    return "warning" if spent * 100 >= budget.limit * budget.soft_pct else "ok"
