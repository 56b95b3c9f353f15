"""Why a budget has no room for a call, in words and in figures."""

from datetime import datetime

from crafter.budgets import amounts, periods, presentation
from crafter.budgets.documents import MOST_OPEN, Budget
from crafter.budgets.errors import BudgetBusy, BudgetExceeded, PriceUnknown
from crafter.core.time import wire_time

_EACH = {"total": "altogether", "day": "per day", "week": "per week", "month": "per month"}
_OF = {
    "organization": "of the organization",
    "project": "of the project",
    "agent": "of the agent",
    "credential": "of the provider key",
    "end_user": "of the end user",
}


def no_room(budget: Budget, amount: int, now: datetime) -> BudgetExceeded | BudgetBusy:
    """The refusal of a call that may take so much."""
    if len(budget.open) >= MOST_OPEN:
        return BudgetBusy()
    unit = budget.unit
    spent, reserved = presentation.spent_in(budget, now), presentation.reserved_in(budget)
    left, resets_at = max(0, budget.limit - spent - reserved), periods.end_of(budget.window, now)
    again = f"It begins anew at {wire_time(resets_at)}." if resets_at else "It does not begin anew by itself."
    return BudgetExceeded(
        f"The budget “{budget.name}” {_OF[budget.covers.type]} allows {amounts.spoken(unit, budget.limit)} "
        f"{_EACH[budget.window]}. {amounts.spoken(unit, left)} are left, and this call may take "
        f"{amounts.spoken(unit, amount)}. {again}",
        budget={
            "id": budget.id,
            "name": budget.name,
            "scope": {"type": budget.covers.type},
            "unit": unit,
            "window": budget.window,
            "limit": amounts.as_text(unit, budget.limit),
            "left": amounts.as_text(unit, left),
            "needed": amounts.as_text(unit, amount),
            "resets_at": wire_time(resets_at) if resets_at else None,
        },
    )


def price_unknown(budget: Budget, provider: str, model: str) -> PriceUnknown:
    """The refusal of a call whose cost nobody knows."""
    return PriceUnknown(
        f"The budget “{budget.name}” limits dollars, and nobody knows what {model} of {provider} costs. "
        "Add a price for the model, or have the budget allow models without a known price."
    )
