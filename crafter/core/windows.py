"""Counters of a day and of a minute that live in the document they limit: decided and counted in one update."""

from datetime import datetime
from typing import Any

Expression = dict[str, Any]


def since(begin: datetime, counted_from: str, count: str) -> Expression:
    """A counter, if it counts from no earlier; a server whose clock is behind goes on with what is there."""
    return {"$cond": [{"$gte": [counted_from, begin]}, number(count), 0]}


def number(count: str) -> Expression:
    """A counter; what another program has stored in its place counts for nothing."""
    return {"$cond": [{"$isNumber": count}, count, 0]}


def day_of(now: datetime) -> datetime:
    """When the day began, in UTC."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def minute_of(now: datetime) -> datetime:
    """When the minute began."""
    return now.replace(second=0, microsecond=0)
