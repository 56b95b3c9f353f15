"""When a call of a model is made again: only if that may help, not before the vendor wants it, and not for ever."""

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)

from crafter.core.errors import UpstreamFailed, UpstreamTimedOut

LONGEST_WAIT_SECONDS = 20.0
"""A vendor that wants a longer pause is not asked again: whoever waits for the answer has waited long enough."""

_pauses = wait_exponential_jitter(multiplier=0.5, max=8, jitter=0.5)


def retrying(retries: int) -> AsyncRetrying:
    """Makes a call again, so many times at the most, and raises the last failure as it is."""
    return AsyncRetrying(
        stop=stop_after_attempt(retries + 1), retry=retry_if_exception(may_help), wait=_pause, reraise=True
    )


def may_help(error: BaseException) -> bool:
    """Whether the same call may succeed in a while. One that took all its time is not made again."""
    if not isinstance(error, UpstreamFailed) or isinstance(error, UpstreamTimedOut):
        return False
    wanted = error.details.get("retry_after") or 0.0
    return bool(error.details.get("retryable")) and wanted <= LONGEST_WAIT_SECONDS


def _pause(state: RetryCallState) -> float:
    """Seconds: what the vendor asked for, if it did; else longer each time, and never quite the same."""
    error = state.outcome.exception() if state.outcome is not None else None
    wanted = error.details.get("retry_after") if isinstance(error, UpstreamFailed) else None
    return float(wanted) if wanted is not None else _pauses(state)
