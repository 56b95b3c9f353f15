"""``/external`` for platform keys: what there is to talk to, and how often the key was used."""

from starlette.responses import Response

from crafter.agents import service as agent_service
from crafter.agents.errors import AgentNotFound
from crafter.core.errors import documented
from crafter.edge.rate_limits import GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.external import presentation
from crafter.external.dependencies import KeyAgent
from crafter.external.schemas import (
    AgentDetails,
    AgentSummary,
    KeyUsageRead,
    ProjectAccess,
    ProjectSummary,
)
from crafter.organizations.permissions import Permission
from crafter.platform_access.dependencies import CurrentEntry, KeyAccess, KeyProject, require_scope
from crafter.projects import service as project_service
from crafter.user_api_keys.schemas import Answer

router = feature_router("/external", tag="For programs")

_PROJECTS = "/organizations/{organization_id}/projects"
_PROJECT = _PROJECTS + "/{project_id}"


@router.get(
    _PROJECTS,
    response_model=Answer[list[ProjectSummary]],
    dependencies=[require_scope(Permission.projects_read), limited(GENERAL)],
)
async def list_projects(access: KeyAccess) -> Response:
    """The projects that the key may be used in, oldest first."""
    projects = await project_service.list_projects(access)
    rows = [
        ProjectSummary(stored_id=one.stored_id, name=one.name, description=one.description)
        for one in projects
    ]
    return json_response(Answer(data=rows))


@router.get(
    _PROJECT,
    response_model=Answer[ProjectAccess],
    dependencies=[require_scope(Permission.projects_read), limited(GENERAL)],
)
async def get_project(project: KeyProject) -> Response:
    """Whether the key may be used in a project."""
    return json_response(Answer(data=ProjectAccess(id=project.id, organization=project.organization)))


@router.get(
    f"{_PROJECT}/agents",
    response_model=Answer[list[AgentSummary]],
    dependencies=[require_scope(Permission.agents_read), limited(GENERAL)],
)
async def list_agents(project: KeyProject) -> Response:
    """The agents of a project that are switched on, by name."""
    rows = await agent_service.list_active(project.scope)
    return json_response(Answer(data=[AgentSummary.from_stored(row) for row in rows]))


@router.get(
    f"{_PROJECT}/agents/{{agent_id}}",
    response_model=Answer[AgentDetails],
    dependencies=[require_scope(Permission.agents_read), limited(GENERAL)],
    responses=documented(AgentNotFound),
)
async def get_agent(agent: KeyAgent) -> Response:
    """One agent, with its tools."""
    return json_response(Answer(data=await presentation.show_agent(agent)))


@router.get(
    "/usage/api-key",
    response_model=Answer[KeyUsageRead],
    dependencies=[require_scope(Permission.statistics_read), limited(GENERAL)],
)
async def get_usage(entry: CurrentEntry) -> Response:
    """How often the key was used, this call included. The SDK tests its connection with it."""
    return json_response(Answer(data=presentation.show_usage(entry.key)))
