"""Calls whose process was killed: nobody knows what became of them, and their rows say so."""

import structlog

from crafter.calls import service as call_service
from crafter.core import sweeps
from crafter.core.tasks import TaskGroup
from crafter.core.time import utc_now

INTERVAL_SECONDS = 15

log = structlog.get_logger("crafter.calls")


async def keep_sweeping(tasks: TaskGroup) -> None:
    """Sweep, at every interval again, until the process is about to end."""
    await sweeps.keep_sweeping(tasks, INTERVAL_SECONDS, sweep, name="abandoned calls", at_once=True)


async def sweep() -> None:
    """Settle every call that nobody makes any more."""
    if abandoned := await call_service.give_up_abandoned(utc_now()):
        log.warning("calls_abandoned", count=abandoned)
