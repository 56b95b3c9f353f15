"""How a use of a key is counted, within its limits: a filter and an update that decide from the key itself."""

from datetime import datetime
from typing import Any

Expression = dict[str, Any]

_UNLIMITED = float("inf")


def has_room(now: datetime) -> Expression:
    """The filter that finds the key only while its limits of the day and of the minute leave room for one more use."""
    room = [
        {"$lt": [used, {"$ifNull": [f"$restrictions.{limit}", _UNLIMITED]}]}
        for used, limit in (
            (_used_today(now), "max_executions_per_day"),
            (_used_this_minute(now), "rate_limit_override"),
        )
    ]
    return {"$expr": {"$and": room}}


def used(now: datetime) -> list[Expression]:
    """The update that counts one use. Counters of an earlier day or minute begin anew; the revision stays."""
    is_today = {"$gte": ["$usage.last_reset_date", _day(now)]}
    fields = {
        "usage.total_requests": {"$add": [_number("$usage.total_requests"), 1]},
        "usage.executions_today": {"$add": [_used_today(now), 1]},
        "usage.last_reset_date": {"$cond": [is_today, "$usage.last_reset_date", now]},
        "usage.last_used_at": {"$max": ["$usage.last_used_at", now]},
        "minute.start": {"$max": ["$minute.start", _minute(now)]},
        "minute.count": {"$add": [_used_this_minute(now), 1]},
    }
    return [{"$set": fields}]


def _used_today(now: datetime) -> Expression:
    return _since(_day(now), "$usage.last_reset_date", "$usage.executions_today")


def _used_this_minute(now: datetime) -> Expression:
    return _since(_minute(now), "$minute.start", "$minute.count")


def _since(begin: datetime, counted_from: str, count: str) -> Expression:
    """A counter, if it counts from no earlier; a server whose clock is behind goes on with what is there."""
    return {"$cond": [{"$gte": [counted_from, begin]}, _number(count), 0]}


def _number(count: str) -> Expression:
    """A counter; what another program has stored in its place counts for nothing."""
    return {"$cond": [{"$isNumber": count}, count, 0]}


def _day(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)
