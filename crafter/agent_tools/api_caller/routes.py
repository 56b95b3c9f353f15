"""``…/agents/{agent_id}/api-config`` and ``…/api-endpoints``."""

from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator
from starlette.responses import Response

from crafter.agent_tools.api_caller import service as api_caller
from crafter.agent_tools.api_caller.schemas import (
    ApiConfigInput,
    ApiConfigRead,
    ApiConfigSaved,
    EndpointDeleted,
    EndpointName,
    EndpointSaved,
    EndpointShown,
    SingleEndpointInput,
)
from crafter.agent_tools.dependencies import Target, agent_response
from crafter.agent_tools.errors import (
    EndpointExists,
    EndpointNotFound,
    InvalidApiConfig,
    SecretMissing,
    SettingsTooLarge,
    ToolNotConfigured,
    ToolSettingsNotFound,
)
from crafter.agents.dependencies import CurrentAgent
from crafter.agents.errors import AgentNotFound
from crafter.core.errors import StaleWrite, ValidationFailed, documented
from crafter.core.runtime import CurrentRuntime
from crafter.edge.router import feature_router
from crafter.edge.strict_json import check_free_object
from crafter.organizations.dependencies import require
from crafter.organizations.permissions import Permission

router = feature_router(
    "/organizations/{organization_id}/projects/{project_id}/agents/{agent_id}", tag="Agent tools"
)

_REFUSALS = (
    AgentNotFound,
    ValidationFailed,
    ToolNotConfigured,
    InvalidApiConfig,
    SecretMissing,
    SettingsTooLarge,
    StaleWrite,
)


def _storable(name: str) -> str:
    check_free_object({name: None})
    return name


NewName = Annotated[EndpointName, Path(), AfterValidator(_storable)]


@router.post(
    "/api-config",
    response_model=ApiConfigSaved,
    dependencies=[require(Permission.agents_manage)],
    responses=documented(*_REFUSALS),
)
async def save_config(target: Target, body: ApiConfigInput, runtime: CurrentRuntime) -> Response:
    """Replace all endpoints. A secret that is not sent is kept, but for no other server."""
    agent = await api_caller.save_config(target, body, runtime.keyring)
    return agent_response(agent, api_caller.show_saved(agent))


@router.get(
    "/api-config",
    response_model=ApiConfigRead,
    dependencies=[require(Permission.agents_read)],
    responses=documented(AgentNotFound, ToolSettingsNotFound),
)
async def get_config(agent: CurrentAgent) -> Response:
    """All endpoints, without their secrets."""
    return agent_response(agent, api_caller.show_config(agent))


@router.post(
    "/api-endpoints/{endpoint_name}",
    response_model=EndpointSaved,
    status_code=201,
    dependencies=[require(Permission.agents_manage)],
    responses=documented(*_REFUSALS, EndpointExists),
)
async def add_endpoint(
    target: Target, endpoint_name: NewName, body: SingleEndpointInput, runtime: CurrentRuntime
) -> Response:
    """Add one endpoint."""
    agent = await api_caller.add_endpoint(target, endpoint_name, body, runtime.keyring)
    shown = api_caller.show_endpoint_saved(agent, endpoint_name, "API endpoint added successfully")
    return agent_response(agent, shown, 201)


@router.put(
    "/api-endpoints/{endpoint_name}",
    response_model=EndpointSaved,
    dependencies=[require(Permission.agents_manage)],
    responses=documented(*_REFUSALS, EndpointNotFound),
)
async def update_endpoint(
    target: Target, endpoint_name: EndpointName, body: SingleEndpointInput, runtime: CurrentRuntime
) -> Response:
    """Change some fields of one endpoint; what is absent stays."""
    agent = await api_caller.update_endpoint(target, endpoint_name, body, runtime.keyring)
    shown = api_caller.show_endpoint_saved(agent, endpoint_name, "API endpoint updated successfully")
    return agent_response(agent, shown)


@router.get(
    "/api-endpoints/{endpoint_name}",
    response_model=EndpointShown,
    dependencies=[require(Permission.agents_read)],
    responses=documented(AgentNotFound, ToolSettingsNotFound, EndpointNotFound),
)
async def get_endpoint(agent: CurrentAgent, endpoint_name: EndpointName) -> Response:
    """One endpoint, without its secrets."""
    return agent_response(agent, api_caller.show_endpoint(agent, endpoint_name))


@router.delete(
    "/api-endpoints/{endpoint_name}",
    response_model=EndpointDeleted,
    dependencies=[require(Permission.agents_manage)],
    responses=documented(AgentNotFound, ToolNotConfigured, EndpointNotFound, StaleWrite),
)
async def delete_endpoint(target: Target, endpoint_name: EndpointName, runtime: CurrentRuntime) -> Response:
    """Remove one endpoint, with its credentials."""
    agent = await api_caller.delete_endpoint(target, endpoint_name, runtime.keyring)
    return agent_response(agent, EndpointDeleted(endpoint_name=endpoint_name))
