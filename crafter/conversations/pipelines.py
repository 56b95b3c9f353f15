"""Expressions over a stored conversation, which answer also where another program has stored something odd."""

from typing import Any

_IS_COUNT = {"$and": [{"$in": [{"$type": "$moved"}, ["int", "long"]]}, {"$gte": ["$moved", 0]}]}

MOVED: dict[str, Any] = {"$cond": [_IS_COUNT, "$moved", 0]}
"""How many messages are in segments; the Node server's conversations do not say, and have none there."""

EMBEDDED: dict[str, Any] = {"$cond": [{"$isArray": "$messages"}, "$messages", []]}
"""The messages that are in the conversation itself."""

MESSAGE_COUNT: dict[str, Any] = {"$add": [MOVED, {"$size": EMBEDDED}]}
"""How many messages there are."""


def unmoved(conversation_id: str, moved: int) -> dict[str, Any]:
    """The filter for a conversation of which so many messages have moved, and no more."""
    return {"_id": conversation_id, "$expr": {"$eq": [MOVED, moved]}}
