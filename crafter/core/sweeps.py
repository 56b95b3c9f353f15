"""Work that a process does over and over beside its requests, until it is about to end."""

from collections.abc import Awaitable, Callable

import structlog
from pymongo.errors import PyMongoError

from crafter.core.tasks import TaskGroup

log = structlog.get_logger("crafter.sweeps")


async def keep_sweeping(
    tasks: TaskGroup,
    seconds: float,
    sweep: Callable[[], Awaitable[object]],
    *,
    name: str,
    at_once: bool = False,
) -> None:
    """Sweep after so many seconds, and again, until the process stops; ``at_once``: the first time without a pause.

    Without the database there is nothing to sweep: that is logged, and tried again at the next turn.
    """
    if not at_once:
        await tasks.pause(seconds)
    while not tasks.stopping:
        try:
            await sweep()
        except PyMongoError as error:
            log.warning("sweep_failed", sweep=name, error=type(error).__name__)
        await tasks.pause(seconds)
