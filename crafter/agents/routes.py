"""``/organizations/{organization_id}/projects/{project_id}/agents``.

Routes with a body take ids, not loaded documents: the contract wants what is wrong with the body said first.
"""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from crafter.agents import presentation
from crafter.agents import service as agent_service
from crafter.agents.dependencies import CurrentAgent
from crafter.agents.errors import (
    AgentNameTaken,
    AgentNotFound,
    InvalidModel,
    InvalidSuggestionModel,
    InvalidTools,
    InvalidTransformer,
    MaxTokensTooLarge,
    MetadataTooLarge,
    SecretRequired,
    SuggestionKeyNotFound,
    SuggestionsIncomplete,
)
from crafter.agents.schemas import (
    AgentCreate,
    AgentListQuery,
    AgentRead,
    AgentStatusRead,
    AgentSwitch,
    AgentSwitched,
    AgentUpdate,
)
from crafter.api_keys.errors import ApiKeyNotFound
from crafter.core.errors import StaleWrite, ValidationFailed, documented
from crafter.core.etags import IfMatch, etag
from crafter.core.ids import EntityId
from crafter.core.runtime import CurrentRuntime
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission
from crafter.organizations.schemas import Done
from crafter.projects.dependencies import CurrentProject
from crafter.projects.errors import ProjectNotFound
from crafter.prompts.errors import InvalidTemplate, PromptNotFound, RenderingTooLarge

router = feature_router("/organizations/{organization_id}/projects/{project_id}/agents", tag="Agents")

_REFUSALS = (
    ValidationFailed,
    ApiKeyNotFound,
    InvalidModel,
    MaxTokensTooLarge,
    InvalidTools,
    SuggestionsIncomplete,
    SuggestionKeyNotFound,
    InvalidSuggestionModel,
    InvalidTransformer,
    SecretRequired,
    MetadataTooLarge,
    PromptNotFound,
    InvalidTemplate,
    RenderingTooLarge,
    AgentNameTaken,
)


@router.post(
    "",
    response_model=AgentRead,
    status_code=201,
    dependencies=[require(Permission.agents_manage)],
    responses=documented(ProjectNotFound, *_REFUSALS),
)
async def create_agent(
    access: CurrentAccess, project_id: EntityId, body: AgentCreate, runtime: CurrentRuntime
) -> Response:
    """Make an agent."""
    agent = await agent_service.create_agent(access, project_id, body, runtime.keyring)
    return json_response(presentation.show(agent), 201, {"ETag": etag(agent.revision)})


@router.get(
    "",
    response_model=list[AgentRead],
    dependencies=[require(Permission.agents_read)],
    responses=documented(ProjectNotFound),
)
async def list_agents(project: CurrentProject, query: Annotated[AgentListQuery, Query()]) -> Response:
    """The agents of a project, the newest first; at most 1,000 unless you page."""
    rows = await agent_service.list_agents(project.scope, query)
    return json_response(await presentation.show_list(project.scope, rows))


@router.get(
    "/{agent_id}",
    response_model=AgentRead,
    dependencies=[require(Permission.agents_read)],
    responses=documented(AgentNotFound),
)
async def get_agent(agent: CurrentAgent) -> Response:
    """One agent, with its key and the key's provider."""
    return json_response(await presentation.show_with_key(agent), headers={"ETag": etag(agent.revision)})


@router.put(
    "/{agent_id}",
    response_model=AgentRead,
    dependencies=[require(Permission.agents_manage)],
    responses=documented(AgentNotFound, StaleWrite, *_REFUSALS),
)
async def update_agent(
    access: CurrentAccess,
    project_id: EntityId,
    agent_id: EntityId,
    body: AgentUpdate,
    revision: IfMatch,
    runtime: CurrentRuntime,
) -> Response:
    """Change some fields of an agent; absent ones stay as they are, and so do secrets sent as `***`."""
    scope = access.in_project(project_id)
    agent = await agent_service.update_agent(scope, agent_id, body, revision, runtime.keyring)
    return json_response(await presentation.show_with_key(agent), headers={"ETag": etag(agent.revision)})


@router.delete(
    "/{agent_id}",
    response_model=Done,
    dependencies=[require(Permission.agents_delete)],
    responses=documented(AgentNotFound, StaleWrite),
)
async def delete_agent(agent: CurrentAgent, revision: IfMatch) -> Response:
    """Delete an agent, with its conversations."""
    await agent_service.delete_agent(agent, revision)
    return json_response(Done(message="Agent deleted successfully"))


@router.put(
    "/{agent_id}/status",
    response_model=AgentSwitched,
    dependencies=[require(Permission.agents_manage)],
    responses=documented(AgentNotFound, StaleWrite),
)
async def set_active(
    access: CurrentAccess, project_id: EntityId, agent_id: EntityId, body: AgentSwitch, revision: IfMatch
) -> Response:
    """Switch an agent on or off. Switching it on also ends an error."""
    scope = access.in_project(project_id)
    agent = await agent_service.set_active(scope, agent_id, body.is_active, revision)
    return json_response(presentation.show_switch(agent), headers={"ETag": etag(agent.revision)})


@router.get(
    "/{agent_id}/status",
    response_model=AgentStatusRead,
    dependencies=[require(Permission.agents_read)],
    responses=documented(AgentNotFound),
)
async def get_status(agent: CurrentAgent) -> Response:
    """How an agent is, since when, and the last changes.

    Three failures of its provider in a row put it into error; the next success ends that.
    """
    return json_response(presentation.show_status(agent), headers={"ETag": etag(agent.revision)})
