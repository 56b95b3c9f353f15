"""The secrets inside an agent: encrypted when they are stored, masked when they are answered."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from crafter.agents.configuration import HandoffConfig
from crafter.agents.documents import Agent, MessageTransformer
from crafter.agents.errors import SecretRequired
from crafter.agents.webhooks import same_origin
from crafter.core.secrets import Keyring, Place, is_encrypted

MASK = "***"

HANDOFF = "config.handoff_config.webhook_secret"
TRANSFORMERS = "message_transformers.webhook_secret"

_SECRET_KEY = re.compile(
    r"^encrypted_|api_?key$|^(token|key_value|cookie|password|secret)$|_(token|password|secret)$",
    re.IGNORECASE,
)
_AUTHENTICATION = "authentication"
_PUBLIC_AUTHENTICATION = frozenset({"type", "key_name", "location", "config"})


def secret_place(agent: Agent, field: str) -> Place:
    """Where a webhook's secret is stored; the elements of an array share their field."""
    return Place(agent.organization, "agents", agent.id, field)


def seal_handoff(before: Agent, wanted: HandoffConfig, keyring: Keyring) -> HandoffConfig:
    """The handoff settings to store. Raises SecretRequired."""
    stored = before.config.handoff_config
    kept = stored.webhook_secret if same_origin(stored.webhook_url, wanted.webhook_url) else None
    secret = _sealed(wanted.webhook_secret, kept, secret_place(before, HANDOFF), keyring)
    return wanted.model_copy(update={"webhook_secret": secret})


def seal_transformers(
    before: Agent, wanted: Sequence[tuple[str | None, MessageTransformer]], keyring: Keyring
) -> list[MessageTransformer]:
    """The transformers to store; each came with the id that it was read under. Raises SecretRequired."""
    place = secret_place(before, TRANSFORMERS)
    sealed = []
    for read_as, transformer in wanted:
        stored = _same(before.message_transformers, read_as, transformer.name)
        kept = (
            stored.webhook_secret
            if stored and same_origin(stored.webhook_url, transformer.webhook_url)
            else None
        )
        secret = _sealed(transformer.webhook_secret, kept, place, keyring)
        sealed.append(transformer.model_copy(update={"webhook_secret": secret}))
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


def masked_parameters(value: Any, *, credentials: bool = False) -> Any:
    """Free data without its secrets; below ``authentication`` only what is known to be harmless is shown.

    What JSON does not know, such as an ObjectId, becomes text.
    """
    if isinstance(value, Mapping):
        return {key: _shown(key, inner, credentials=credentials) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked_parameters(inner, credentials=credentials) for inner in value]
    return value if value is None or isinstance(value, str | int | float | datetime) else str(value)


def _shown(key: str, value: Any, *, credentials: bool) -> Any:
    opens = key == _AUTHENTICATION
    if opens:
        secret = not isinstance(value, Mapping)
    else:
        secret = key not in _PUBLIC_AUTHENTICATION if credentials else bool(_SECRET_KEY.search(key))
    if secret:
        return MASK if value not in (None, "") else value
    return masked_parameters(value, credentials=credentials or opens)


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


def _same(stored: Sequence[MessageTransformer], read_as: str | None, name: str) -> MessageTransformer | None:
    by_id = next((one for one in stored if str(one.id) == read_as), None)
    return by_id or next((one for one in stored if one.name == name), None)
