"""``…/statistics``: what an organization, and one of its agents, has used."""

from starlette.responses import Response

from crafter.agents.errors import AgentNotFound
from crafter.core.errors import documented
from crafter.edge.rate_limits import GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission
from crafter.statistics import service as statistics_service
from crafter.statistics.dependencies import AnyPeriod, OrganizationAgent, RollingPeriod
from crafter.statistics.errors import InvalidPeriod
from crafter.statistics.schemas import AgentStatistics, Dashboard

router = feature_router("/organizations/{organization_id}/statistics", tag="Statistics")


@router.get(
    "/dashboard",
    response_model=Dashboard,
    dependencies=[require(Permission.statistics_read), limited(GENERAL)],
    responses=documented(InvalidPeriod),
)
async def get_dashboard(access: CurrentAccess, period: RollingPeriod) -> Response:
    """What the organization has used in the last day, week or 30 days."""
    return json_response(await statistics_service.get_dashboard(access.scope, period))


@router.get(
    "/agents/{agent_id}",
    response_model=AgentStatistics,
    dependencies=[require(Permission.statistics_read), limited(GENERAL)],
    responses=documented(AgentNotFound, InvalidPeriod),
)
async def get_agent_statistics(agent: OrganizationAgent, period: AnyPeriod) -> Response:
    """What one agent has used in the last day, week or 30 days, or in a calendar month."""
    return json_response(await statistics_service.get_agent_statistics(agent, period))
