"""Who acts as the operator: a colleague with an account, or somebody whom another system vouches for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from crafter.conversations.documents import HandoffInfo
from crafter.users.service import Identity


@dataclass(frozen=True, slots=True)
class Actor:
    """An operator; ``id`` is of the account, or the one that the other system knows."""

    type: Literal["internal", "external"]
    id: str
    name: str
    email: str | None = None
    avatar_url: str | None = None

    def handler_info(self, at: datetime) -> dict[str, Any]:
        """How messages name the operator."""
        if self.type == "internal":
            person = {"user_id": self.id, "name": self.name, "email": self.email, "timestamp": at}
            return {"human_operator": person}
        return {"external_operator": {**self._outside(), "timestamp": at}}

    def assigned(self) -> dict[str, Any]:
        """The fields of a conversation that the operator has."""
        outside = self._outside() if self.type == "external" else None
        return {
            "handoff_info.assigned_human": self.id if self.type == "internal" else None,
            "handoff_info.assigned_external_operator": outside,
        }

    def holds(self) -> dict[str, Any]:
        """The filter for conversations that the operator has."""
        if self.type == "internal":
            return {"handoff_info.assigned_human": self.id}
        return {"handoff_info.assigned_external_operator.external_id": self.id}

    def _outside(self) -> dict[str, Any]:
        given = {"name": self.name, "email": self.email, "avatar_url": self.avatar_url}
        return {
            "external_id": self.id,
            **{field: value for field, value in given.items() if value is not None},
        }


NOBODY_HOLDS: dict[str, Any] = {
    "handoff_info.assigned_human": None,
    "handoff_info.assigned_external_operator.external_id": None,
}
"""The filter for conversations that no operator has."""


def internal(person: Identity) -> Actor:
    """A colleague."""
    return Actor("internal", person.id, person.name or person.email, person.email)


def assigned_external(info: HandoffInfo, external_id: str) -> Actor | None:
    """The operator of another system who has the conversation, if it is the one with this id."""
    stored = info.assigned_external_operator or {}
    if stored.get("external_id") != external_id:
        return None
    name, email, avatar = (_text(stored.get(field)) for field in ("name", "email", "avatar_url"))
    return Actor("external", external_id, name or external_id, email, avatar)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
