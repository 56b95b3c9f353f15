"""How the calls made with a provider key are counted within its limits: decided and counted in one update.

The counters live in the key: ``minute`` (``start``, ``requests``, ``tokens``) and ``day`` (``start``, ``tokens``).
"""

from datetime import datetime

from crafter.core.windows import Expression, day_of, minute_of, since

_UNLIMITED = float("inf")


def has_room(now: datetime) -> Expression:
    """The filter that finds the key only while each of its limits leaves room for one more call."""
    room = [
        {"$lt": [used, {"$ifNull": [f"$rate_limits.{limit}", _UNLIMITED]}]}
        for used, limit in (
            (_this_minute(now, "requests"), "requests_per_minute"),
            (_this_minute(now, "tokens"), "tokens_per_minute"),
            (_today(now), "daily_token_limit"),
        )
    ]
    return {"$expr": {"$and": room}}


def admitted(now: datetime) -> list[Expression]:
    """The update that counts one call; the revision stays."""
    return _counted(now, requests=1, tokens=0)


def spent(now: datetime, tokens: int) -> list[Expression]:
    """The update that counts the tokens of a call that was counted before."""
    return _counted(now, requests=0, tokens=tokens)


def _counted(now: datetime, *, requests: int, tokens: int) -> list[Expression]:
    fields = {
        "minute.start": {"$max": ["$minute.start", minute_of(now)]},
        "minute.requests": {"$add": [_this_minute(now, "requests"), requests]},
        "minute.tokens": {"$add": [_this_minute(now, "tokens"), tokens]},
        "day.start": {"$max": ["$day.start", day_of(now)]},
        "day.tokens": {"$add": [_today(now), tokens]},
    }
    return [{"$set": fields}]


def _this_minute(now: datetime, counter: str) -> Expression:
    return since(minute_of(now), "$minute.start", f"$minute.{counter}")


def _today(now: datetime) -> Expression:
    return since(day_of(now), "$day.start", "$day.tokens")
