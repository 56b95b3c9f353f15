"""Documents that the Node server adds while both servers run: they get their tenants as migration 0001 gives them."""

import structlog

from crafter.core import sweeps
from crafter.core.runtime import Runtime
from crafter.migrations.progress import Progress
from crafter.migrations.versions import m0001_tenants_of_adopted_documents as tenants

log = structlog.get_logger("crafter.migrations")


async def keep_taking_in(runtime: Runtime) -> None:
    """Look for newcomers at every interval until the process is about to end."""
    interval = runtime.settings.adoption_interval_seconds
    await sweeps.keep_sweeping(runtime.tasks, interval, lambda: take_in(runtime), name="newcomers")


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
