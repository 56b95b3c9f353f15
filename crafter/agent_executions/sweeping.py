"""Runs of task agents whose process was killed: they end as failed, instead of running for ever.

Whoever runs one holds a lease on it, and renews that. Every process looks now and then for those whose lease is over;
whichever is first ends them, in one update each.
"""

import structlog

from crafter.agent_executions import service as execution_service
from crafter.agent_executions.documents import TaskError
from crafter.core import sweeps
from crafter.core.tasks import TaskGroup
from crafter.core.time import utc_now

INTERVAL_SECONDS = 10

INTERRUPTED = TaskError(
    code="INTERRUPTED", message="The server ended while it ran this task. Run it again if it is still needed."
)

log = structlog.get_logger("crafter.executions")


async def keep_sweeping(tasks: TaskGroup) -> None:
    """Sweep, at every interval again, until the process is about to end."""
    await sweeps.keep_sweeping(tasks, INTERVAL_SECONDS, sweep, name="abandoned executions", at_once=True)


async def sweep() -> int:
    """End every run that nobody runs any more; answers how many this process has ended."""
    now, ended = utc_now(), 0
    async for execution in execution_service.each_abandoned(now):
        if await execution_service.give_up(execution, now, INTERRUPTED):
            log.warning("execution_abandoned", execution=execution.id, agent=execution.agent)
            ended += 1
    return ended
