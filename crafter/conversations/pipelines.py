"""Expressions over a stored conversation, which answer also where another program has stored something odd."""

from datetime import datetime
from typing import Any

from crafter.core.figures import Stage, count_if, day_of, sum_of, within

_IS_COUNT = {"$and": [{"$in": [{"$type": "$moved"}, ["int", "long"]]}, {"$gte": ["$moved", 0]}]}

MOVED: dict[str, Any] = {"$cond": [_IS_COUNT, "$moved", 0]}
"""How many messages are in segments; the Node server's conversations do not say, and have none there."""

EMBEDDED: dict[str, Any] = {"$cond": [{"$isArray": "$messages"}, "$messages", []]}
"""The messages that are in the conversation itself."""

MESSAGE_COUNT: dict[str, Any] = {"$add": [MOVED, {"$size": EMBEDDED}]}
"""How many messages there are."""


MOVED_OF_USERS: dict[str, Any] = {"$ifNull": ["$asides.moved_user_messages", 0]}

USER_MESSAGES: dict[str, Any] = {
    "$add": [
        MOVED_OF_USERS,
        {"$size": {"$filter": {"input": EMBEDDED, "cond": {"$eq": ["$$this.role", "user"]}}}},
    ]
}
"""How many messages of the user there are."""

LAST_SUMMARY_INDEX: dict[str, Any] = {
    "$cond": [{"$isNumber": "$metadata.last_summary_index"}, {"$toInt": "$metadata.last_summary_index"}, -1]
}
"""The index of the last message that is summarised; -1 where none is."""


def unmoved(conversation_id: str, moved: int) -> dict[str, Any]:
    """The filter for a conversation of which so many messages have moved, and no more."""
    return {"_id": conversation_id, "$expr": {"$eq": [MOVED, moved]}}


_IS_ACTIVE: dict[str, Any] = {
    "$and": [
        {
            "$in": [
                {"$ifNull": ["$status", "agent_controlled"]},
                ["agent_controlled", "handoff_requested", "human_controlled"],
            ]
        },
        {"$ne": ["$archived", True]},
        {"$ne": ["$lifecycle", "archived"]},
    ]
}
"""Whether a conversation still goes on."""


def summed_up(since: datetime, until: datetime) -> list[Stage]:
    """The figures of the conversations that were begun in a time, by day. Their messages are counted where they are."""
    return [
        {"$match": {"created_at": within(since, until), "lifecycle": {"$ne": "deleted"}}},
        {
            "$group": {
                "_id": day_of("created_at"),
                "conversations": {"$sum": 1},
                "messages": {"$sum": MESSAGE_COUNT},
                "tokens": sum_of("metadata.total_tokens_used"),
                "cost": sum_of("metadata.total_cost"),
                "tools": sum_of("metadata.tools_executed_count"),
                "active": count_if(_IS_ACTIVE),
                "ended": count_if({"$eq": ["$status", "ended"]}),
            }
        },
        {"$sort": {"_id": 1}},
    ]
