"""Documents that the Node server adds while both servers run: they get their tenants as migration 0001 gives them."""

import structlog
from pymongo.errors import PyMongoError

from crafter.core.runtime import Runtime
from crafter.migrations.progress import Progress
from crafter.migrations.versions import m0001_tenants_of_adopted_documents as tenants

log = structlog.get_logger("crafter.migrations")


async def keep_taking_in(runtime: Runtime) -> None:
    """Look for newcomers at every interval until the process is about to end."""
    tasks, interval = runtime.tasks, runtime.settings.adoption_interval_seconds
    await tasks.pause(interval)
    while not tasks.stopping:
        try:
            await take_in(runtime)
        except PyMongoError as error:
            log.warning("newcomers_not_taken_in", error=type(error).__name__)
        await tasks.pause(interval)


async def take_in(runtime: Runtime) -> dict[str, int]:
    """Give a tenant to each document that has none; answers how many there were, by collection.

    Safe to repeat, and to run in several processes at once. Where there is nothing to do it costs one look into the
    index of each collection.
    """
    progress = Progress("0001", _store_nothing)
    await tenants.up(runtime.database.db, progress)
    taken = {
        name: progress.counts[name]
        for name in (*tenants.BY_PROJECT, *tenants.BY_AGENT)
        if progress.counts.get(name)
    }
    if taken:
        log.info("newcomers_taken_in", **taken)
    return taken


async def _store_nothing(_: dict[str, int]) -> None:
    """The migration itself is recorded; what comes after it is logged."""
