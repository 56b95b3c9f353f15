"""Who says something to an agent."""

from dataclasses import dataclass
from typing import Self

from crafter.agents.documents import Agent
from crafter.calling.purposes import Purpose
from crafter.calls.documents import CallKind
from crafter.organizations.service import Access


@dataclass(frozen=True, slots=True)
class Caller:
    """A person, or a program with a platform key that speaks for an end user.

    ``identifier`` is what the end user is called where nothing is said about it; None: that must be said.
    """

    user: str | None = None
    key: str | None = None
    identifier: str | None = None

    @classmethod
    def of(cls, access: Access) -> Self:
        """Whoever has this access."""
        if access.key is None:
            return cls(user=access.user.id)
        return cls(key=access.key.id, identifier=f"apikey_{access.key.id}")

    def purpose(self, kind: CallKind, agent: Agent, end_user: str | None) -> Purpose:
        """What a call of the agent's model is for, when this caller has asked for it."""
        return Purpose(
            kind, agent=agent.id, user=self.user, user_api_key=self.key, end_user=end_user or self.identifier
        )
