"""Calls whose process was killed: nobody knows what became of them, and their rows say so."""

import structlog
from pymongo.errors import PyMongoError

from crafter.calls import service as call_service
from crafter.core.tasks import TaskGroup
from crafter.core.time import utc_now

INTERVAL_SECONDS = 15

log = structlog.get_logger("crafter.calls")


async def keep_sweeping(tasks: TaskGroup) -> None:
    """Sweep, at every interval again, until the process is about to end."""
    while not tasks.stopping:
        try:
            if abandoned := await call_service.give_up_abandoned(utc_now()):
                log.warning("calls_abandoned", count=abandoned)
        except PyMongoError as error:
            log.warning("call_sweep_failed", error=type(error).__name__)
        await tasks.pause(INTERVAL_SECONDS)
