"""The secrets inside an agent: encrypted when they are stored, masked when they are answered."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from crafter.agents.configuration import HandoffConfig
from crafter.agents.documents import Agent, AgentHook, MessageTransformer
from crafter.agents.errors import SecretRequired
from crafter.agents.webhooks import same_origin
from crafter.core.secrets import Keyring, Place, is_encrypted

MASK = "***"

HANDOFF = "config.handoff_config.webhook_secret"
HOOKS = "hooks.webhook_secret"
TRANSFORMERS = "message_transformers.webhook_secret"

Webhook = TypeVar("Webhook", AgentHook, MessageTransformer)
Path = tuple[str, ...]
Replace = Callable[[Path, Any], Any]

_SECRET_KEY = re.compile(
    r"^encrypted_|api_?key$|^(token|key_value|cookie|password|secret)$|_(token|password|secret)$",
    re.IGNORECASE,
)
_SECRET_HEADER = re.compile(r"auth|cookie|credential|key|passw|secret|session|signature|token", re.IGNORECASE)
_AUTHENTICATION = "authentication"
_PUBLIC_AUTHENTICATION = frozenset({"type", "key_name", "location", "configured", "config"})
_HEADERS = "headers"
_KEYED_BY_NAME = frozenset({"endpoints", "endpoint_rules"})
_ANY_ELEMENT = "[]"


def secret_place(agent: Agent, field: str) -> Place:
    """Where a webhook's secret is stored; the elements of an array share their field."""
    return Place(agent.organization, "agents", agent.id, field)


def seal_handoff(before: Agent, wanted: HandoffConfig, keyring: Keyring) -> HandoffConfig:
    """The handoff settings to store. Raises SecretRequired."""
    stored = before.config.handoff_config
    kept = stored.webhook_secret if same_origin(stored.webhook_url, wanted.webhook_url) else None
    secret = _sealed(wanted.webhook_secret, kept, secret_place(before, HANDOFF), keyring)
    return wanted.model_copy(update={"webhook_secret": secret})


def seal_webhooks(
    before: Agent,
    field: str,
    stored: Sequence[Webhook],
    wanted: Sequence[tuple[str | None, Webhook]],
    keyring: Keyring,
) -> list[Webhook]:
    """The hooks or transformers to store; each came with the id that it was read under. Raises SecretRequired."""
    place = secret_place(before, field)
    sealed = []
    for read_as, webhook in wanted:
        same = _same(stored, read_as, webhook.name)
        kept = same.webhook_secret if same and same_origin(same.webhook_url, webhook.webhook_url) else None
        secret = _sealed(webhook.webhook_secret, kept, place, keyring)
        sealed.append(webhook.model_copy(update={"webhook_secret": secret}))
    return sealed


def masked(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A stored agent without its secrets: those of its webhooks, and those in the parameters of its tools."""
    shown = dict(raw)
    for field in ("hooks", "message_transformers"):
        shown[field] = [_without_secret(element) for element in _objects(raw.get(field))]
    shown["tools"] = [
        {**tool, "parameters": masked_parameters(tool.get("parameters")) or None}
        for tool in _objects(raw.get("tools"))
    ]
    config = raw.get("config")
    if isinstance(config, Mapping) and isinstance(config.get("handoff_config"), Mapping):
        shown["config"] = {**config, "handoff_config": _without_secret(config["handoff_config"])}
    return shown


def masked_parameters(value: Any) -> Any:
    """Free data without its secrets."""
    return replace_secrets(value, lambda _, secret: secret if secret in (None, "") else MASK)


def replace_secrets(value: Any, replace: Replace, path: Path = (), inside: str = "") -> Any:
    """Free data with another value for each secret in it; ``replace`` is told where it is, and what.

    A secret is known by its key. Below ``authentication`` everything is one but what is known to be harmless,
    below ``headers`` what belongs to a header that may carry one; what an endpoint is called says nothing.
    Elements of an array share their path.
    What JSON does not know, such as an ObjectId, becomes text.
    """
    if isinstance(value, Mapping):
        return {key: _replaced(key, inner, replace, (*path, key), inside) for key, inner in value.items()}
    if isinstance(value, list):
        return [replace_secrets(inner, replace, (*path, _ANY_ELEMENT), inside) for inner in value]
    return value if value is None or isinstance(value, str | int | float | datetime) else str(value)


def _replaced(key: str, value: Any, replace: Replace, path: Path, inside: str) -> Any:
    if inside in _KEYED_BY_NAME:
        return replace_secrets(value, replace, path)
    if inside == _AUTHENTICATION:
        secret = key not in _PUBLIC_AUTHENTICATION and not (key == inside and isinstance(value, Mapping))
    elif inside == _HEADERS:
        secret = bool(_SECRET_HEADER.search(key))
    elif key in (_AUTHENTICATION, _HEADERS) or key in _KEYED_BY_NAME:
        inside, secret = key, key == _AUTHENTICATION and not isinstance(value, Mapping)
    else:
        secret = bool(_SECRET_KEY.search(key))
    return replace(path, value) if secret else replace_secrets(value, replace, path, inside)


def _objects(values: Any) -> list[Mapping[str, Any]]:
    """The objects among the elements of an array; whatever else was stored is not shown."""
    return [value for value in values if isinstance(value, Mapping)] if isinstance(values, list) else []


def _without_secret(webhook: Mapping[str, Any]) -> dict[str, Any]:
    return {**webhook, "webhook_secret": MASK} if webhook.get("webhook_secret") else dict(webhook)


def _sealed(given: str | None, kept: str | None, place: Place, keyring: Keyring) -> str | None:
    """The secret to store. A mask keeps the stored one, which only serves the address it was entered for."""
    if not given:
        return None
    if given != MASK:
        return keyring.encrypt(given, place)
    if kept is None:
        raise SecretRequired
    return kept if is_encrypted(kept) else keyring.encrypt(kept, place)


def _same(stored: Sequence[Webhook], read_as: str | None, name: str) -> Webhook | None:
    """The stored one that a caller means: by the id that it was read under, or else by its name."""
    by_id = next((one for one in stored if str(one.id) == read_as), None)
    return by_id or next((one for one in stored if one.name == name), None)
