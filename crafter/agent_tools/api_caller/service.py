"""Every change of the endpoints, and what is shown of them."""

from collections.abc import Mapping
from typing import Any

from crafter.agent_tools.api_caller.checks import check_address, read_endpoint, read_summarization
from crafter.agent_tools.api_caller.credentials import (
    check_shared,
    endpoints_of,
    is_configured,
    keep_for,
    own_credentials,
    require_complete,
    shared_credentials,
    shared_fields,
    shared_of,
    usable,
)
from crafter.agent_tools.api_caller.schemas import (
    ApiConfigInput,
    ApiConfigRead,
    ApiConfigSaved,
    EndpointRead,
    EndpointSaved,
    EndpointShown,
    SharedAuthenticationRead,
    SingleEndpointInput,
)
from crafter.agent_tools.errors import EndpointExists, EndpointNotFound, InvalidApiConfig
from crafter.agent_tools.settings import AgentTarget, configure, get_tool
from crafter.agent_tools.vault import Parameters, Vault, as_object
from crafter.agents.documents import Agent
from crafter.agents.secrets import masked_parameters
from crafter.core.secrets import Keyring

TOOL = "api_caller"


async def save_config(target: AgentTarget, given: ApiConfigInput, keyring: Keyring) -> Agent:
    """Replace the endpoints and the shared credentials.

    Raises InvalidApiConfig, SecretMissing, and what ``configure`` raises.
    """

    def change(stored: Parameters, vault: Vault) -> Parameters:
        endpoints = {}
        for name, one in (given.endpoints or {}).items():
            endpoints[name] = read_endpoint(name, one)
            if credentials := own_credentials(one.authentication):
                endpoints[name]["authentication"] = credentials
        shared = shared_credentials(given.authentication, shared_of(stored))
        summarization = read_summarization(given.summarization) or stored.get("summarization")
        wanted = {"endpoints": endpoints, "authentication": shared}
        after = {**stored, **vault.seal(wanted, keep_for(stored, wanted)), "summarization": summarization}
        return _without_empty(after)

    return await configure(target, TOOL, change, keyring)


async def add_endpoint(target: AgentTarget, name: str, given: SingleEndpointInput, keyring: Keyring) -> Agent:
    """Add one endpoint. Raises EndpointExists, and what :func:`save_config` raises."""

    def change(stored: Parameters, vault: Vault) -> Parameters:
        if not (given.base_url and given.path):
            raise InvalidApiConfig("base_url and path are required")
        credentials = own_credentials(given.authentication)
        require_complete(credentials)
        if name in endpoints_of(stored):
            raise EndpointExists(f"Endpoint '{name}' already exists. Use PUT to update it.")
        endpoint = {**_defaults(), **read_endpoint(name, given), "authentication": credentials}
        return _with_endpoint(stored, name, endpoint, vault)

    return await configure(target, TOOL, change, keyring)


async def update_endpoint(
    target: AgentTarget, name: str, given: SingleEndpointInput, keyring: Keyring
) -> Agent:
    """Change some fields of one endpoint. Raises EndpointNotFound, and what :func:`save_config` raises."""
    fields = given.given()
    fields.pop("authentication", None)

    def change(stored: Parameters, vault: Vault) -> Parameters:
        endpoint = {**masked_parameters(_get_endpoint(stored, name)), **fields}
        if not (endpoint.get("base_url") and endpoint.get("path")):
            raise InvalidApiConfig("base_url and path are required")
        check_address(name, endpoint)
        if "authentication" in given.model_fields_set:
            endpoint["authentication"] = own_credentials(given.authentication)
            require_complete(endpoint["authentication"])
        return _with_endpoint(stored, name, endpoint, vault)

    return await configure(target, TOOL, change, keyring)


async def delete_endpoint(target: AgentTarget, name: str, keyring: Keyring) -> Agent:
    """Remove one endpoint. Raises EndpointNotFound, and what ``configure`` raises."""

    def change(stored: Parameters, _: Vault) -> Parameters:
        _get_endpoint(stored, name)
        rest = {other: endpoint for other, endpoint in endpoints_of(stored).items() if other != name}
        return (
            {**stored, "endpoints": rest} if rest else {k: v for k, v in stored.items() if k != "endpoints"}
        )

    return await configure(target, TOOL, change, keyring)


def show_saved(agent: Agent) -> ApiConfigSaved:
    """The answer to a change."""
    stored = get_tool(agent, TOOL).parameters or {}
    shared = shared_of(stored)
    return ApiConfigSaved(
        endpoints=masked_parameters({"endpoints": endpoints_of(stored)})["endpoints"],
        authentication={name: value for name, value in shared.items() if name == "type"},
        summarization=as_object(stored.get("summarization")) or None,
    )


def show_config(agent: Agent) -> ApiConfigRead:
    """The configuration without its secrets. Raises ToolSettingsNotFound."""
    stored = get_tool(agent, TOOL).parameters or {}
    shared = shared_of(stored)
    config = masked_parameters({"authentication": {"config": shared_fields(shared)}})
    return ApiConfigRead(
        endpoints={name: _shown(endpoint) for name, endpoint in endpoints_of(stored).items()},
        authentication=SharedAuthenticationRead.from_stored(
            {
                "type": shared.get("type"),
                "configured": is_configured(shared),
                "config": config["authentication"]["config"] or None,
            }
        ),
        summarization=as_object(stored.get("summarization")),
    )


def show_endpoint_saved(agent: Agent, name: str, message: str) -> EndpointSaved:
    """The answer to a change of one endpoint."""
    endpoint = _get_endpoint(get_tool(agent, TOOL).parameters or {}, name)
    return EndpointSaved(message=message, endpoint_name=name, endpoint=masked_parameters(endpoint))


def show_endpoint(agent: Agent, name: str) -> EndpointShown:
    """One endpoint without its secrets. Raises ToolSettingsNotFound and EndpointNotFound."""
    endpoint = _get_endpoint(get_tool(agent, TOOL).parameters or {}, name)
    return EndpointShown(endpoint_name=name, endpoint=_shown(endpoint))


def complete(opened: Parameters) -> Parameters:
    """The settings for whoever calls the endpoints: each has all its fields, and the credentials to send with it."""
    shared = usable(shared_of(opened))
    endpoints = {}
    for name, endpoint in endpoints_of(opened).items():
        endpoints[name] = {**_defaults(), "headers": {}, **endpoint}
        endpoints[name]["authentication"] = endpoint.get("authentication") or shared
    return {**opened, "endpoints": endpoints, "summarization": as_object(opened.get("summarization"))}


def _with_endpoint(stored: Parameters, name: str, wanted: dict[str, Any], vault: Vault) -> Parameters:
    """The settings with one endpoint as it is wanted, and the others as they are. Raises SecretMissing."""
    one = {"endpoints": {name: wanted}}
    sealed = vault.seal(one, keep_for(stored, one))["endpoints"]
    after = {**stored, "endpoints": {**endpoints_of(stored), **sealed}}
    check_shared(stored, after, name)
    return after


def _get_endpoint(stored: Mapping[str, Any], name: str) -> dict[str, Any]:
    endpoint: dict[str, Any] | None = endpoints_of(stored).get(name)
    if endpoint is None:
        raise EndpointNotFound(f"Endpoint '{name}' not found")
    return endpoint


def _shown(endpoint: Mapping[str, Any]) -> EndpointRead:
    credentials = as_object(endpoint.get("authentication"))
    shown = {**credentials, "configured": is_configured(credentials)} if credentials else None
    return EndpointRead.from_stored({**masked_parameters(endpoint), "authentication": shown})


def _defaults() -> dict[str, Any]:
    return {"methods": ["GET"], "description": "", "authentication": None}


def _without_empty(parameters: Parameters) -> Parameters:
    """The settings as LLM Crafter stores them: an empty object is absent."""
    ours = ("endpoints", "authentication", "summarization")
    return {name: value for name, value in parameters.items() if value or name not in ours}
