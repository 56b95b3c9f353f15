"""The credentials of endpoints: what is wanted, and for which servers the stored ones may be kept.

A stored secret goes to the server that it was entered for, and to no other. An endpoint's own is kept while its
address leads to the same scheme, host and port. The shared ones go to all endpoints that have none of their own,
and are kept while these lead to no server that none of them has led to before.
"""

from collections.abc import Mapping
from typing import Any

from crafter.agent_tools.api_caller.schemas import AuthenticationInput, SharedAuthenticationInput
from crafter.agent_tools.errors import InvalidApiConfig, SecretMissing
from crafter.agent_tools.vault import Keep, Parameters, as_object, has_secret, keep_from, value_at
from crafter.agents.secrets import MASK, Path, masked_parameters
from crafter.agents.webhooks import origin, same_origin

_FIELDS = {
    "bearer_token": ("token",),
    "api_key": ("key_name", "key_value", "location"),
    "cookie": ("cookie",),
}
_SECRET = {"bearer_token": "token", "api_key": "key_value", "cookie": "cookie"}
_NEEDED = (
    ("bearer_token", ("token",), "Bearer token is required for bearer_token authentication"),
    (
        "api_key",
        ("key_name", "key_value"),
        "key_name and key_value are required for api_key authentication",
    ),
    ("api_key", ("location",), 'location must be either "header" or "query" for api_key authentication'),
    ("cookie", ("cookie",), "Cookie value is required for cookie authentication"),
)
_FLAT = (
    ("token", "token"),
    ("cookie", "cookie"),
    ("header", "key_name"),
    ("key_name", "key_name"),
    ("api_key", "key_value"),
    ("key_value", "key_value"),
)
"""The shared credentials' own fields, and what they are called below ``config`` and in an endpoint."""


def endpoints_of(parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The endpoints among the settings; whatever else was stored there is none."""
    endpoints = as_object(parameters.get("endpoints"))
    return {name: endpoint for name, endpoint in endpoints.items() if isinstance(endpoint, dict)}


def shared_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The shared credentials among the settings."""
    return as_object(parameters.get("authentication"))


def own_credentials(given: AuthenticationInput | None) -> dict[str, Any] | None:
    """The credentials that are wanted for an endpoint, in the form of their type; None for none of its own."""
    if given is None or given.type is None:
        return None
    fields = given.given()
    wanted = {"type": given.type, **{name: fields[name] for name in _FIELDS[given.type] if fields.get(name)}}
    if given.configured:
        wanted.setdefault(_SECRET[given.type], MASK)
    return wanted


def require_complete(wanted: Mapping[str, Any] | None) -> None:
    """Raises InvalidApiConfig for credentials that lack what their type needs."""
    for kind, fields, sentence in _NEEDED:
        if wanted is not None and wanted["type"] == kind and not all(map(wanted.get, fields)):
            raise InvalidApiConfig(sentence)


def shared_credentials(given: SharedAuthenticationInput | None, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The shared credentials that are wanted. Raises SecretMissing where none of their type are stored."""
    fields = given.given() if given is not None else {}
    configured = fields.pop("configured", False)
    wanted = {name: value for name, value in fields.items() if value}
    if "config" in wanted:
        wanted["config"] = {name: value for name, value in wanted["config"].items() if value}
    if not configured or has_secret({"authentication": wanted}):
        return wanted
    if not is_configured(stored) or stored.get("type") != wanted.get("type"):
        raise SecretMissing
    kept: dict[str, Any] = masked_parameters({"authentication": stored})["authentication"]
    return kept


def keep_for(stored: Parameters, wanted: Parameters) -> Keep:
    """Which stored secrets may be kept when the endpoints become the wanted ones."""

    def keep(path: Path) -> tuple[Path, str] | None:
        if path[0] == "endpoints":
            address = ("endpoints", path[1], "base_url")
            before, after = value_at(stored, address), value_at(wanted, address)
            follows = isinstance(before, str) and same_origin(before, after)
            return keep_from(stored)(path) if follows else None
        if not _receivers(wanted) <= _receivers(stored):
            return None
        return next(filter(None, map(keep_from(stored), _same_field(path))), None)

    return keep


def check_shared(stored: Parameters, after: Parameters, name: str) -> None:
    """Whether the shared credentials may stay as they are now that an endpoint changes. Raises SecretMissing."""
    if is_configured(shared_of(stored)) and not _receivers(after) <= _receivers(stored):
        raise SecretMissing(
            f"The shared credentials were not entered for the server of endpoint '{name}'. Give it credentials"
            " of its own, or save the whole configuration with the shared ones entered again."
        )


def shared_fields(shared: Mapping[str, Any]) -> dict[str, Any]:
    """The shared credentials under the names that an endpoint's own have, wherever they are stored."""
    flat = {name: shared[field] for field, name in _FLAT if shared.get(field)}
    return {**flat, **as_object(shared.get("config"))}


def usable(shared: Mapping[str, Any]) -> dict[str, Any] | None:
    """The shared credentials in the form of an endpoint's own, opened or not; None if there are none."""
    kind, fields = str(shared.get("type")), shared_fields(shared)
    if kind not in _SECRET or not fields.get(_SECRET[kind]):
        return None
    defaults = {"key_name": "X-API-Key", "location": "header"} if kind == "api_key" else {}
    wanted = {**defaults, **{name: fields[name] for name in _FIELDS[kind] if name in fields}}
    return {"type": kind, **wanted}


def is_configured(credentials: Mapping[str, Any]) -> bool:
    """Whether a secret is stored for them."""
    return has_secret({"authentication": credentials})


def _receivers(parameters: Parameters) -> set[object]:
    """The servers of the endpoints that the shared credentials are sent to."""
    endpoints = endpoints_of(parameters).values()
    return {origin(str(one.get("base_url"))) for one in endpoints if not one.get("authentication")}


def _same_field(path: Path) -> list[Path]:
    """Where a field of the shared credentials may be stored: there, or in the other form."""
    top, *_, field = path
    names = [name for name, shown in _FLAT if shown == dict(_FLAT).get(field, field)]
    return [path, *((top, "config", name) for name in names), *((top, name) for name in names)]
