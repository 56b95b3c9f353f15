"""Holds of calls whose process was killed: they are settled by what the ledger says of the calls."""

import structlog

from crafter.budgets.holds import service as hold_service
from crafter.core import sweeps
from crafter.core.tasks import TaskGroup
from crafter.core.time import utc_now

INTERVAL_SECONDS = 15

log = structlog.get_logger("crafter.budgets")


async def keep_sweeping(tasks: TaskGroup) -> None:
    """Sweep, at every interval again, until the process is about to end."""
    await sweeps.keep_sweeping(tasks, INTERVAL_SECONDS, sweep, name="abandoned holds", at_once=True)


async def sweep() -> None:
    """Settle every hold that nobody settles any more."""
    if abandoned := await hold_service.settle_abandoned(utc_now()):
        log.warning("holds_abandoned", count=abandoned)
