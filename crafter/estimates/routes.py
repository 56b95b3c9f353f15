"""``…/projects/{project_id}/estimates``: what a call would take, before it is made."""

from starlette.responses import Response

from crafter.api_keys.errors import ApiKeyNotFound
from crafter.core.errors import ValidationFailed, documented
from crafter.edge.rate_limits import GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.estimates import service as estimate_service
from crafter.estimates.schemas import EstimateInput, EstimateRead
from crafter.organizations.dependencies import require
from crafter.organizations.permissions import Permission
from crafter.projects.dependencies import CurrentProject
from crafter.projects.errors import ProjectNotFound
from crafter.providers.errors import ProviderNotFound

router = feature_router(
    "/organizations/{organization_id}/projects/{project_id}/estimates", tag="Calls of models"
)


@router.post(
    "",
    response_model=EstimateRead,
    dependencies=[require(Permission.statistics_read), limited(GENERAL)],
    responses=documented(ProjectNotFound, ApiKeyNotFound, ProviderNotFound, ValidationFailed),
)
async def estimate(project: CurrentProject, body: EstimateInput) -> Response:
    """Estimate the tokens and the cost of a call, between honest bounds. No model is asked, nothing is stored."""
    return json_response(await estimate_service.estimate(project.scope, body))
