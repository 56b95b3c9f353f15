"""Whether this process can serve: its database answers, and the indexes that rules depend on are there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from crafter.core.database import Database

PING_SECONDS = 1.0


@dataclass(slots=True)
class Readiness:
    """Asked by ``/health/ready``. Indexes are looked at until they are complete, then no more."""

    database: Database
    missing_indexes: Callable[[], Awaitable[list[str]]]
    _indexed: bool = False

    async def problems(self) -> dict[str, str]:
        """What is wrong, by dependency; empty when the process can serve."""
        if not await self.database.ping(PING_SECONDS):
            return {"database": "The primary is not reachable."}
        if not self._indexed:
            if missing := await self.missing_indexes():
                listed = ", ".join(missing)
                return {"indexes": f"Unique indexes are missing ({listed}). Run: python -m indexes apply"}
            self._indexed = True
        return {}
