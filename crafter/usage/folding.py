"""Takes the calls of the ledger into the sums of usage, a few seconds after they have ended."""

from datetime import timedelta

from crafter.calls import service as call_service
from crafter.core import sweeps
from crafter.core.tasks import TaskGroup
from crafter.core.time import utc_now
from crafter.usage import service as usage_service

INTERVAL_SECONDS = 5.0
BATCH = 500

SETTLED_FOR_GOOD = timedelta(days=1)
"""After that time nobody comes back to say what became of a call whose process was thought dead."""


async def keep_folding(tasks: TaskGroup) -> None:
    """Fold, at every interval again, until the process is about to end."""
    await sweeps.keep_sweeping(tasks, INTERVAL_SECONDS, fold_all, name="usage")


async def fold_all() -> int:
    """Fold what is there, of all tenants; answers how many calls that were. May run in many processes at once."""
    folded, unknown_before = 0, utc_now() - SETTLED_FOR_GOOD
    for scope in await call_service.find_unfolded(unknown_before):
        while (count := await usage_service.fold(scope, unknown_before, most=BATCH)) == BATCH:
            folded += count
        folded += count
    return folded
