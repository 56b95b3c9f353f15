"""The times that statistics are about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crafter.statistics.errors import InvalidPeriod

ROLLING = {"1d": timedelta(days=1), "1w": timedelta(days=7), "1m": timedelta(days=30)}
"""Periods that end now."""

MONTHS = ("current-month", "last-month")
"""Periods that begin with a calendar month, in UTC."""


@dataclass(frozen=True, slots=True)
class Period:
    """A time by its name: from ``start`` on, before ``end``."""

    name: str
    start: datetime
    end: datetime


def rolling(name: str, now: datetime) -> Period:
    """One of the periods that end now. Raises InvalidPeriod."""
    if name not in ROLLING:
        raise InvalidPeriod
    return Period(name, now - ROLLING[name], now)


def any_period(name: str, now: datetime) -> Period:
    """A period that ends now, or a calendar month. Raises InvalidPeriod."""
    this_month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if name == "current-month":
        return Period(name, this_month, now)
    if name == "last-month":
        return Period(name, (this_month - timedelta(days=1)).replace(day=1), this_month)
    if name not in ROLLING:
        raise InvalidPeriod(f"Invalid period. Use {_listed([*ROLLING, *MONTHS])}")
    return rolling(name, now)


def _listed(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return f"{', '.join(quoted[:-1])}, or {quoted[-1]}"
