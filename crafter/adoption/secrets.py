"""Finds stored secrets that the configured keys do not open, by document and field; never by value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from crafter.core.secrets import Keyring

Db = AsyncDatabase[dict[str, Any]]

MOST_CONVERSATIONS = 1_000
"""Encrypted conversations of which the first message is tried."""

_TOOL_SECRETS = (
    "encrypted_api_key",
    "encrypted_access_token",
    "encrypted_refresh_token",
    "elevenlabs_api_key",
)


@dataclass(frozen=True, slots=True)
class UnreadableSecret:
    """A secret that cannot be decrypted."""

    collection: str
    id: str
    field: str

    def __str__(self) -> str:
        return f"{self.collection} {self.id}: {self.field} cannot be decrypted"


async def find_unreadable(db: Db, keyring: Keyring, *, most: int = 0) -> list[UnreadableSecret]:
    """Every provider key, tool key and storage key that does not open, and encrypted messages by sample.

    ``most`` limits how many documents of a kind are looked at; 0 does not.
    """
    found = []
    async for raw in db.apikeys.find({}, {"key": 1, "earlier.key": 1}, limit=most):
        secrets = {"key": raw.get("key"), "earlier.key": (raw.get("earlier") or {}).get("key")}
        found += _tried(raw, "apikeys", secrets, keyring)
    fields = {"media_storage.credentials": 1}
    async for raw in db.organizations.find(
        {"media_storage.credentials": {"$exists": True}}, fields, limit=most
    ):
        credentials = (raw.get("media_storage") or {}).get("credentials") or {}
        keys = {
            f"media_storage.{name}": credentials.get(name) for name in ("access_key_id", "secret_access_key")
        }
        found += _tried(raw, "organizations", keys, keyring)
    async for raw in db.agents.find({"tools.parameters": {"$exists": True}}, {"tools": 1}, limit=most):
        found += _tried(raw, "agents", dict(_tool_secrets(raw)), keyring)
    return found + await _unreadable_messages(db, keyring)


async def _unreadable_messages(db: Db, keyring: Keyring) -> list[UnreadableSecret]:
    found = []
    sample = db.conversations.find(
        {"gdpr.encrypt_messages": True}, {"messages": {"$slice": 1}}, limit=MOST_CONVERSATIONS
    )
    async for raw in sample:
        for message in raw.get("messages") or []:
            secrets = {f"messages.{message.get('_id')}.content": message.get("content")}
            found += _tried(raw, "conversations", secrets, keyring)
    return found


def _tool_secrets(agent: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for tool in agent.get("tools") or []:
        parameters = tool.get("parameters") or {}
        for name in _TOOL_SECRETS:
            yield f"tools.{tool.get('name')}.{name}", parameters.get(name)


def _tried(
    raw: Mapping[str, Any], collection: str, secrets: Mapping[str, Any], keyring: Keyring
) -> list[UnreadableSecret]:
    return [
        UnreadableSecret(collection, str(raw["_id"]), field)
        for field, stored in secrets.items()
        if isinstance(stored, str) and not keyring.opens(stored)
    ]
