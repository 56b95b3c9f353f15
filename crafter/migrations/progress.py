"""How far a migration is: logged and stored at most once a second, so an operator can watch it."""

from collections.abc import Awaitable, Callable
from time import monotonic

import structlog

log = structlog.get_logger("crafter.migrations")

Store = Callable[[dict[str, int]], Awaitable[None]]
_SECONDS_BETWEEN_REPORTS = 1.0


class Progress:
    """Counts what was done, by a name of the migration's choosing (usually a collection)."""

    def __init__(self, version: str, store: Store) -> None:
        self._version = version
        self._store = store
        self._reported = 0.0
        self.counts: dict[str, int] = {}

    async def add(self, what: str, count: int) -> None:
        """So many more are done."""
        self.counts[what] = self.counts.get(what, 0) + count
        if monotonic() - self._reported >= _SECONDS_BETWEEN_REPORTS:
            await self.report()

    async def report(self) -> None:
        """Log and store the counts."""
        self._reported = monotonic()
        log.info("migration_progress", version=self._version, **self.counts)
        await self._store(dict(self.counts))
