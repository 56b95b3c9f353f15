"""How a use of a key is counted, within its limits: a filter and an update that decide from the key itself."""

from datetime import datetime

from crafter.core.windows import Expression, day_of, minute_of, number, since

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
    is_today = {"$gte": ["$usage.last_reset_date", day_of(now)]}
    fields = {
        "usage.total_requests": {"$add": [number("$usage.total_requests"), 1]},
        "usage.executions_today": {"$add": [_used_today(now), 1]},
        "usage.last_reset_date": {"$cond": [is_today, "$usage.last_reset_date", now]},
        "usage.last_used_at": {"$max": ["$usage.last_used_at", now]},
        "minute.start": {"$max": ["$minute.start", minute_of(now)]},
        "minute.count": {"$add": [_used_this_minute(now), 1]},
    }
    return [{"$set": fields}]


def _used_today(now: datetime) -> Expression:
    return since(day_of(now), "$usage.last_reset_date", "$usage.executions_today")


def _used_this_minute(now: datetime) -> Expression:
    return since(minute_of(now), "$minute.start", "$minute.count")
