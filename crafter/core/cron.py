"""When something recurs: the five fields of cron, read strictly, in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

_PART = re.compile(r"(?:(\*)|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?", re.ASCII)
_FIELDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("weekday", 0, 7),
)
_HORIZON = timedelta(days=41 * 366)
"""Longer than any date, be it 29 February on one weekday, is waited for."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Moments by minute, hour, day, month and weekday (0 is Sunday).

    With ``either`` one of day and weekday is enough: as in cron, where neither field begins with a star.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``0 2 * * *``: numbers, ranges, lists, stars and steps. Raises ValueError, also for what never comes."""
        fields = text.split()
        if len(fields) != len(_FIELDS):
            raise ValueError("must have five fields: minute, hour, day of the month, month, weekday")
        values = [
            _read(field, name, low, high) for field, (name, low, high) in zip(fields, _FIELDS, strict=True)
        ]
        minutes, hours, days, months, weekdays = values
        either = not fields[2].startswith("*") and not fields[4].startswith("*")
        schedule = cls(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), either)
        schedule.next_after(datetime(2000, 1, 1, tzinfo=UTC))
        return schedule

    def next_after(self, moment: datetime) -> datetime:
        """The first of the moments that is later than this one. Raises ValueError where none comes."""
        start = moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        day, last = start.date(), start.date() + _HORIZON
        while day <= last:
            if self._has(day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        found = datetime.combine(day, time(hour, minute), UTC)
                        if found >= start:
                            return found
            day += timedelta(days=1)
        raise ValueError("is a date that never comes")

    def _has(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_day or by_weekday if self.either else by_day and by_weekday


def _read(field: str, name: str, low: int, high: int) -> frozenset[int]:
    """The numbers that a field means. Raises ValueError."""
    numbers: set[int] = set()
    for part in field.split(","):
        found = _PART.fullmatch(part)
        if found is None or (found[4] and not (found[1] or found[3])):
            raise ValueError(f"has no {name} in {part!r}; write a number, a range such as 1-5, * or */15")
        first, last = (low, high) if found[1] else (int(found[2]), int(found[3] or found[2]))
        step = int(found[4] or 1)
        if not low <= first <= last <= high or step == 0:
            raise ValueError(f"has a {name} of {part!r}, which must lie between {low} and {high}")
        numbers.update(range(first, last + 1, step))
    return frozenset(numbers)
