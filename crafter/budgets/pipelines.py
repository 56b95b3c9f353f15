"""How calls count on a budget: decided and counted in one update of the budget itself; the revision stays."""

from datetime import datetime
from typing import Any

from crafter.budgets.documents import MOST_OPEN, MOST_RESETS
from crafter.core.windows import Expression, number, since

_RESERVED: Expression = {"$sum": "$open.amount"}


def has_room(call: str, amount: int, start: datetime) -> Expression:
    """The filter that finds a budget only while there is room for a call that holds nothing on it yet."""
    after = {"$add": [_spent(start), _RESERVED, amount]}
    return {
        "open.call": {"$ne": call},
        f"open.{MOST_OPEN - 1}": {"$exists": False},
        "$or": [{"action": "warn"}, {"$expr": {"$lte": [after, number("$limit")]}}],
    }


def held(call: str, amount: int, start: datetime) -> list[Expression]:
    """The update that holds an amount for a call."""
    hold = {"call": {"$literal": call}, "amount": amount}
    return [{"$set": {**_rolled(start), "open": {"$concatArrays": [_open(), [hold]]}}}]


def holds(call: str) -> Expression:
    """The filter that finds a budget only while the call holds something on it."""
    return {"open.call": call}


def charged(call: str, amount: int, start: datetime) -> list[Expression]:
    """The update that puts what a call took in the place of what it held."""
    spent = {"$add": [_spent(start), amount]}
    return [{"$set": {**_rolled(start), "spent": spent, "open": _without(call)}}]


def released(call: str) -> list[Expression]:
    """The update that lets go of what a call held."""
    return [{"$set": {"open": _without(call)}}]


def reset(by: str, reason: str, start: datetime, now: datetime) -> list[Expression]:
    """The update that sets what was spent to nothing, and remembers it; this is an edit, so the revision rises."""
    entry: dict[str, Any] = {"at": now, "by": by, "reason": {"$literal": reason}, "spent": _spent(start)}
    kept = {"$cond": [{"$isArray": "$resets"}, "$resets", []]}
    fields = {
        "spent": 0,
        "period_start": now,
        "resets": {"$slice": [{"$concatArrays": [kept, [entry]]}, -MOST_RESETS]},
        "updatedAt": now,
        "revision": {"$add": [number("$revision"), 1]},
    }
    return [{"$set": fields}]


def _spent(start: datetime) -> Expression:
    """What was spent in this period; a server whose clock is behind goes on with the one that is there."""
    return since(start, "$period_start", "$spent")


def _rolled(start: datetime) -> Expression:
    return {"period_start": {"$max": ["$period_start", start]}, "spent": _spent(start)}


def _open() -> Expression:
    return {"$cond": [{"$isArray": "$open"}, "$open", []]}


def _without(call: str) -> Expression:
    return {"$filter": {"input": _open(), "cond": {"$ne": ["$$this.call", {"$literal": call}]}}}
