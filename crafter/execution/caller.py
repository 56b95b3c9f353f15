"""Who says something to an agent."""

from dataclasses import dataclass
from typing import Self

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
