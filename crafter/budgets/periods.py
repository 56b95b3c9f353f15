"""The periods of a budget, in UTC: when one began, and when the next one does."""

from datetime import UTC, datetime, timedelta

from crafter.budgets.documents import Window
from crafter.core.windows import day_of

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When the one period of a budget without periods began, at the latest."""

_LONGEST_MONTH = timedelta(days=31)


def start_of(window: Window, now: datetime) -> datetime:
    """When the period began; weeks begin on Monday."""
    day = day_of(now)
    if window == "day":
        return day
    if window == "week":
        return day - timedelta(days=day.weekday())
    if window == "month":
        return day.replace(day=1)
    return EVER


def end_of(window: Window, now: datetime) -> datetime | None:
    """When the next period begins; None where there is only one."""
    start = start_of(window, now)
    if window == "day":
        return start + timedelta(days=1)
    if window == "week":
        return start + timedelta(weeks=1)
    if window == "month":
        return (start + _LONGEST_MONTH).replace(day=1)
    return None
