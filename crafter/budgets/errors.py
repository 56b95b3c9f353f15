"""What can go wrong with budgets, and why a budget refuses a call."""

from crafter.core.errors import Conflict, NotFound, PaymentRequired, Unavailable, Unprocessable


class BudgetNotFound(NotFound):
    """There is no such budget in this organization."""

    code = "BUDGET_NOT_FOUND"
    message = "Budget not found in this organization"


class BudgetScopeNotFound(NotFound):
    """What the budget is to be for is not in this organization."""

    code = "BUDGET_SCOPE_NOT_FOUND"
    message = "What the budget is to be for was not found in this organization. Choose something that is."


class BudgetExists(Conflict):
    """There is a budget for the same, in the same unit and window."""

    code = "BUDGET_EXISTS"
    message = (
        "There is a budget for the same, in the same unit and window. Change that one, or delete it first."
    )


class BudgetExceeded(PaymentRequired):
    """A budget leaves no room for the call; the model was not asked."""

    code = "BUDGET_EXCEEDED"
    message = "A budget is used up. Raise its limit, or wait until it begins anew."


class BudgetBusy(Unavailable):
    """So many calls are under way under one budget that it takes no more for the moment."""

    code = "BUDGET_BUSY"
    message = "Too many calls are under way under one budget. Try again shortly."


class PriceUnknown(Unprocessable):
    """A budget limits dollars, and nobody knows what the model costs; it was not asked."""

    code = "PRICE_UNKNOWN"
    message = "A budget limits dollars, and nobody knows what the model costs. Add a price for the model."


BUDGET_REFUSALS = (BudgetExceeded, BudgetBusy, PriceUnknown)
"""What a call can be refused with for a budget."""
