"""The periods that usage is asked for, and the intervals they fall into; all in UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from crafter.core.windows import day_of

Interval = Literal["hour", "day", "month", "total"]

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` on, before ``end``, both at the edge of an interval."""

    start: datetime
    end: datetime
    interval: Interval

    @classmethod
    def around(cls, since: datetime, until: datetime, interval: Interval) -> "Period":
        """The least period of whole intervals (of whole days, for one total) that has all of that time in it."""
        start, last = beginning(since, interval), beginning(until, interval)
        return cls(start, last if last == until else following(last, interval), interval)

    def intervals(self) -> Iterator[datetime]:
        """The beginning of each interval, the earliest first."""
        if self.interval == "total":
            yield self.start
            return
        at = self.start
        while at < self.end:
            yield at
            at = following(at, self.interval)

    def interval_of(self, moment: datetime) -> datetime:
        """The beginning of the interval that a moment of the period falls into."""
        return self.start if self.interval == "total" else beginning(moment, self.interval)


def beginning(moment: datetime, interval: Interval) -> datetime:
    """When the hour, day or month began."""
    if interval == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    return day_of(moment.replace(day=1)) if interval == "month" else day_of(moment)


def following(start: datetime, interval: Interval) -> datetime:
    """When the interval that begins there is over."""
    if interval == "month":
        return beginning(start + 31 * _DAY, "month")
    return start + (_HOUR if interval == "hour" else _DAY)
