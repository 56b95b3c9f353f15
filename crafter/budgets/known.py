"""Whether an organization has any budget: remembered for a second, so that calls without budgets ask nobody."""

from collections.abc import Awaitable, Callable
from time import monotonic

STALE_SECONDS = 1.0
"""For so long a process may not know of the first budget that another one has made."""

_MOST = 10_000

_known: dict[str, tuple[float, bool]] = {}


async def has_any(organization: str, ask: Callable[[], Awaitable[bool]]) -> bool:
    """Whether there are budgets; ``ask`` looks in the database."""
    before = _known.get(organization)
    if before is not None and monotonic() - before[0] < STALE_SECONDS:
        return before[1]
    asked_at = monotonic()
    found = await ask()
    now = _known.get(organization)
    if now is not before and now is not None:  # one was made here meanwhile
        return now[1]
    _remember(organization, found, asked_at)
    return found


def note_first(organization: str) -> None:
    """A budget was made in this process, which knows it from now on."""
    _remember(organization, True, monotonic())


def _remember(organization: str, found: bool, at: float) -> None:
    if len(_known) >= _MOST:
        _known.clear()
    _known[organization] = (at, found)
