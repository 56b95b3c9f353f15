"""``/organizations/{organization_id}/budgets``: how much may be spent on models, and how much was."""

from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from crafter.budgets import presentation
from crafter.budgets import service as budget_service
from crafter.budgets.dependencies import CurrentBudget
from crafter.budgets.documents import Budget
from crafter.budgets.errors import BudgetExists, BudgetNotFound, BudgetScopeNotFound
from crafter.budgets.holds import service as hold_service
from crafter.budgets.schemas import (
    BudgetCreate,
    BudgetPage,
    BudgetQuery,
    BudgetRead,
    BudgetReset,
    BudgetUpdate,
    HoldPage,
)
from crafter.core.errors import PreconditionRequired, StaleWrite, ValidationFailed, documented
from crafter.core.etags import IfMatch, RequiredIfMatch, etag
from crafter.core.pagination import CursorPage, cursor_page, page_body
from crafter.core.runtime import CurrentRuntime
from crafter.core.time import utc_now
from crafter.edge.rate_limits import GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission

router = feature_router("/organizations/{organization_id}/budgets", tag="Budgets")

Page = Annotated[CursorPage, Depends(cursor_page)]


@router.post(
    "",
    response_model=BudgetRead,
    status_code=201,
    dependencies=[require(Permission.budgets_manage), limited(GENERAL)],
    responses=documented(ValidationFailed, BudgetScopeNotFound, BudgetExists),
)
async def create_budget(access: CurrentAccess, body: BudgetCreate, runtime: CurrentRuntime) -> Response:
    """Limit what may be spent. From now on each call needs room on every budget that applies to it.

    There is one budget for the same scope, unit and window.
    """
    return _answer(await budget_service.create_budget(access.scope, body, runtime.keyring), 201)


@router.get(
    "",
    response_model=BudgetPage,
    dependencies=[require(Permission.budgets_read), limited(GENERAL)],
    responses=documented(ValidationFailed),
)
async def list_budgets(
    access: CurrentAccess, query: Annotated[BudgetQuery, Query()], page: Page, runtime: CurrentRuntime
) -> Response:
    """The budgets of the organization, the newest first, as they stand."""
    budgets, following = await budget_service.list_page(
        access.scope, query, page, runtime.cursors, runtime.keyring
    )
    now = utc_now()
    return json_response(page_body([presentation.show(one, now) for one in budgets], next_cursor=following))


@router.get(
    "/{budget_id}",
    response_model=BudgetRead,
    dependencies=[require(Permission.budgets_read), limited(GENERAL)],
    responses=documented(BudgetNotFound),
)
async def get_budget(budget: CurrentBudget) -> Response:
    """One budget, as it stands."""
    return _answer(budget)


@router.patch(
    "/{budget_id}",
    response_model=BudgetRead,
    dependencies=[require(Permission.budgets_manage), limited(GENERAL)],
    responses=documented(BudgetNotFound, ValidationFailed, StaleWrite, PreconditionRequired),
)
async def update_budget(budget: CurrentBudget, body: BudgetUpdate, revision: RequiredIfMatch) -> Response:
    """Change the name of a budget, its limit, or what happens when it is reached."""
    return _answer(await budget_service.update_budget(budget, body, revision))


@router.delete(
    "/{budget_id}",
    status_code=204,
    dependencies=[require(Permission.budgets_manage), limited(GENERAL)],
    responses=documented(BudgetNotFound, StaleWrite),
)
async def delete_budget(budget: CurrentBudget, revision: IfMatch) -> Response:
    """Delete a budget. It limits nothing any more; calls that are under way go on."""
    await budget_service.delete_budget(budget, revision)
    return Response(status_code=204)


@router.get(
    "/{budget_id}/holds",
    response_model=HoldPage,
    dependencies=[require(Permission.budgets_read), limited(GENERAL)],
    responses=documented(BudgetNotFound, ValidationFailed),
)
async def list_holds(budget: CurrentBudget, page: Page, runtime: CurrentRuntime) -> Response:
    """What calls hold on the budget, the newest first; those that are over are there for 30 days."""
    holds, following = await hold_service.list_page(budget, page, runtime.cursors)
    shown = [one for hold in holds if (one := presentation.show_hold(hold, budget)) is not None]
    return json_response(page_body(shown, next_cursor=following))


@router.post(
    "/{budget_id}:reset",
    response_model=BudgetRead,
    dependencies=[require(Permission.budgets_manage), limited(GENERAL)],
    responses=documented(BudgetNotFound, StaleWrite),
)
async def reset_budget(
    budget: CurrentBudget, access: CurrentAccess, body: BudgetReset, revision: IfMatch
) -> Response:
    """Set what was spent to nothing, and say why. The last 20 resets are kept."""
    return _answer(await budget_service.reset_budget(budget, access.user.id, body.reason, revision))


def _answer(budget: Budget, status: int = 200) -> Response:
    body = presentation.show(budget, utc_now())
    return json_response(body, status, {"ETag": etag(budget.revision)})
