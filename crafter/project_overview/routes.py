"""``GET /organizations/{organization_id}/projects/{project_id}``."""

from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from crafter.core.errors import FieldError, ValidationFailed, documented
from crafter.core.etags import etag
from crafter.edge.rate_limits import GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import require
from crafter.organizations.permissions import Permission
from crafter.project_overview import service as overview_service
from crafter.project_overview.schemas import Include, ProjectOverview
from crafter.projects.dependencies import CurrentProject
from crafter.projects.errors import ProjectNotFound

router = feature_router("/organizations/{organization_id}/projects", tag="Projects")

_INCLUDES: tuple[Include, ...] = ("credentials", "prompts", "agents", "tools")


async def read_include(
    include: Annotated[
        str, Query(max_length=200, description="Comma list of: credentials, prompts, agents, tools.")
    ] = "",
) -> frozenset[Include]:
    """What a caller wants beside the project. Raises ValidationFailed for a name that is none of them."""
    asked = {part.strip() for part in include.split(",") if part.strip()}
    if asked - set(_INCLUDES):
        known = ", ".join(_INCLUDES)
        raise ValidationFailed([FieldError("include", f"Invalid value: takes {known}", location="query")])
    return frozenset(name for name in _INCLUDES if name in asked)


@router.get(
    "/{project_id}",
    response_model=ProjectOverview,
    dependencies=[require(Permission.projects_read), limited(GENERAL)],
    responses=documented(ProjectNotFound),
)
async def get_project(
    project: CurrentProject, include: Annotated[frozenset[Include], Depends(read_include)]
) -> Response:
    """One project with its provider keys and prompts; `include=agents,tools` adds those."""
    body = await overview_service.get_overview(project, include)
    return json_response(body, headers={"ETag": etag(project.revision)})
