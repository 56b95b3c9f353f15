"""From the budget in the path to the document."""

from typing import Annotated

from fastapi import Depends

from crafter.budgets import service as budget_service
from crafter.budgets.documents import Budget
from crafter.core.ids import EntityId
from crafter.organizations.dependencies import CurrentAccess


async def get_budget(budget_id: EntityId, access: CurrentAccess) -> Budget:
    """One hop from the organization: another organization's budget is 404."""
    return await budget_service.get_budget(access.scope, budget_id)


CurrentBudget = Annotated[Budget, Depends(get_budget)]
