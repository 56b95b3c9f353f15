"""The updates that change an agent's status, as pipelines: each decides from the document that it changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crafter.agents.documents import STATUS_HISTORY

Stage = dict[str, Any]

_SWITCHED_OFF = {"$eq": [{"$ifNull": ["$is_active", True]}, False]}
_STATUS = {
    "$cond": [_SWITCHED_OFF, "inactive", {"$cond": [{"$eq": ["$status", "error"]}, "error", "active"]}]
}
_HISTORY = {"$ifNull": ["$status_history", []]}


def failed(reason: str, threshold: int, now: datetime) -> list[Stage]:
    """Count a failure; the one that reaches the threshold puts an active agent into error."""
    failures = {"$add": [{"$ifNull": ["$consecutive_failures", 0]}, 1]}
    turns = {"$and": [{"$eq": ["$status", "active"]}, {"$gte": ["$consecutive_failures", threshold]}]}
    return [
        {"$set": {"consecutive_failures": failures, "status": _STATUS}},
        _change("error", now, reason={"$literal": reason}, when=turns),
    ]


def succeeded(now: datetime) -> list[Stage]:
    """Forget the failures; an agent in error is active again."""
    return [
        {"$set": {"consecutive_failures": 0, "status": _STATUS}},
        _change("active", now, reason=None, when={"$eq": ["$status", "error"]}),
    ]


def switched(is_active: bool, now: datetime) -> list[Stage]:
    """Switch an agent on or off; switching on also ends an error."""
    target = "active" if is_active else "inactive"
    forget = {"consecutive_failures": 0} if is_active else {}
    return [
        {"$set": {"status": _STATUS, **forget}},
        _change(target, now, reason=None, when={"$ne": ["$status", target]}),
        {"$set": {"is_active": is_active}},
    ]


def _change(target: str, now: datetime, *, reason: Any, when: Mapping[str, Any]) -> Stage:
    """Move to a status and note it in the history, if the condition holds; else leave everything as it is.

    Only a move raises the revision: the counter of failures is nothing that anybody reads or edits.
    """
    entry = {"from": "$status", "to": target, "at": now, "reason": reason}
    history = {"$slice": [{"$concatArrays": [_HISTORY, [entry]]}, -STATUS_HISTORY]}
    moved = {
        "status": target,
        "status_reason": "$$REMOVE" if reason is None else reason,
        "status_history": history,
        "updatedAt": now,
        "revision": {"$add": [{"$ifNull": ["$revision", 0]}, 1]},
    }
    return {"$set": {name: {"$cond": [when, value, f"${name}"]} for name, value in moved.items()}}
