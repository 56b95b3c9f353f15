"""``…/organizations/{organization_id}/usage``: what was asked of models, added up."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from crafter.core.errors import ValidationFailed, documented
from crafter.edge.rate_limits import GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission
from crafter.usage import service as usage_service
from crafter.usage.errors import StillSummingUp, TooManyRows
from crafter.usage.schemas import Usage, UsageQuery

router = feature_router("/organizations/{organization_id}/usage", tag="Usage")


@router.get(
    "",
    response_model=Usage,
    dependencies=[require(Permission.statistics_read), limited(GENERAL)],
    responses=documented(ValidationFailed, TooManyRows, StillSummingUp),
)
async def get_usage(access: CurrentAccess, query: Annotated[UsageQuery, Query()]) -> Response:
    """Calls, tokens, cost and durations by interval, and by up to three dimensions.

    The figures are those of the ledger at this moment: calls count as soon as they have ended, at the time they began.
    """
    return json_response(await usage_service.get_usage(access.scope, query))
