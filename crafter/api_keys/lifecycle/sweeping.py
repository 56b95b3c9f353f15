"""What time does to provider keys: a warning before they expire, and the end of secrets that nobody may use."""

import structlog

from crafter.api_keys.lifecycle import service as lifecycle_service
from crafter.core import sweeps
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now

INTERVAL_SECONDS = 60

log = structlog.get_logger("crafter.credentials")


async def keep_sweeping(runtime: Runtime) -> None:
    """Sweep, at every interval again, until the process is about to end."""
    await sweeps.keep_sweeping(
        runtime.tasks, INTERVAL_SECONDS, lambda: sweep(runtime), name="provider keys", at_once=True
    )


async def sweep(runtime: Runtime) -> None:
    """Warn, and erase."""
    now = utc_now()
    await lifecycle_service.warn_before_expiry(now)
    if erased := await lifecycle_service.erase_expired(now, runtime):
        log.info("credentials_erased", count=erased)
    if ended := await lifecycle_service.end_grace(now):
        log.info("earlier_secrets_erased", count=ended)
