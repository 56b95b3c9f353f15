"""``/organizations/{organization_id}/projects``. Reading one with all it holds is in ``project_overview``."""

from starlette.responses import Response

from crafter.core.errors import StaleWrite, documented
from crafter.core.etags import IfMatch, etag
from crafter.edge.rate_limits import GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission
from crafter.projects import service as project_service
from crafter.projects.dependencies import CurrentProject
from crafter.projects.documents import Project
from crafter.projects.errors import ProjectInUse, ProjectNotFound
from crafter.projects.schemas import ProjectCreate, ProjectRead, ProjectUpdate

router = feature_router("/organizations/{organization_id}/projects", tag="Projects")


@router.post(
    "",
    response_model=ProjectRead,
    status_code=201,
    dependencies=[require(Permission.projects_create), limited(GENERAL)],
)
async def create_project(access: CurrentAccess, body: ProjectCreate) -> Response:
    """Make a project."""
    return _answer(await project_service.create_project(access, body), 201)


@router.get(
    "", response_model=list[ProjectRead], dependencies=[require(Permission.projects_read), limited(GENERAL)]
)
async def list_projects(access: CurrentAccess) -> Response:
    """The projects of the organization, oldest first."""
    return json_response(await project_service.list_projects(access))


@router.patch(
    "/{project_id}",
    response_model=ProjectRead,
    dependencies=[require(Permission.projects_manage), limited(GENERAL)],
    responses=documented(ProjectNotFound, StaleWrite),
)
async def update_project(project: CurrentProject, body: ProjectUpdate, revision: IfMatch) -> Response:
    """Change some fields of a project; absent fields stay as they are."""
    return _answer(await project_service.update_project(project, body, revision))


@router.delete(
    "/{project_id}",
    status_code=204,
    dependencies=[require(Permission.projects_delete), limited(GENERAL)],
    responses=documented(ProjectNotFound, ProjectInUse, StaleWrite),
)
async def delete_project(project: CurrentProject, revision: IfMatch) -> Response:
    """Delete an empty project; otherwise 409 lists what it still holds."""
    await project_service.delete_project(project, revision)
    return Response(status_code=204)


def _answer(project: Project, status: int = 200) -> Response:
    body = ProjectRead.from_stored(project.to_stored())
    return json_response(body, status, {"ETag": etag(project.revision)})
