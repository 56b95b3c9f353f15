"""Who handles a conversation, an agent or a person: the queries that find it, and the changes that need no message."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crafter.conversations.documents import Conversation
from crafter.conversations.errors import ConversationNotFound
from crafter.conversations.messages import MessagePage, Placed, read_message
from crafter.conversations.pipelines import EMBEDDED, MESSAGE_COUNT
from crafter.core.pagination import NumberedPage
from crafter.core.tenancy import Scope, ScopeSet, Sort
from crafter.core.time import utc_now

MOST_LISTED_MESSAGES = 200

WAITING = "handoff_requested"
WITH_A_HUMAN = "human_controlled"
WITH_THE_AGENT = "agent_controlled"

LATEST_REQUEST_FIRST: Sort = (("handoff_info.requested_at", -1), ("_id", -1))
RECENT_FIRST: Sort = (("metadata.last_activity", -1), ("_id", -1))

_STORED = [field.alias or name for name, field in Conversation.model_fields.items() if name != "revision_id"]
_LISTED = {
    **dict.fromkeys(_STORED, 1),
    "messages": {"$slice": [EMBEDDED, -MOST_LISTED_MESSAGES]},
    "message_count": MESSAGE_COUNT,
}
_ALIVE = {"lifecycle": {"$in": ["active", "archived", None]}}
_UNARCHIVED = {"lifecycle": {"$in": ["active", None]}}


@dataclass(frozen=True, slots=True)
class Full:
    """A conversation and its newest messages."""

    conversation: Conversation
    page: MessagePage


@dataclass(frozen=True, slots=True)
class State:
    """What changes while somebody looks on."""

    status: str
    current_handler: str
    message_count: int


async def get_among(scopes: Scope | ScopeSet, conversation_id: str) -> Conversation:
    """A conversation, without its messages, of any of these organizations. Raises ConversationNotFound."""
    raw = await Conversation.within_all(scopes).find_one(
        {"_id": conversation_id, **_ALIVE}, fields={"messages": 0}
    )
    if raw is None:
        raise ConversationNotFound
    return Conversation.from_stored(raw)


async def get_state(scope: Scope, conversation_id: str) -> State:
    """How a conversation stands. Raises ConversationNotFound."""
    fields = {"status": 1, "current_handler": 1, "message_count": MESSAGE_COUNT}
    raw = await Conversation.within(scope).find_one({"_id": conversation_id, **_ALIVE}, fields=fields)
    if raw is None:
        raise ConversationNotFound
    status, handler = raw.get("status") or WITH_THE_AGENT, raw.get("current_handler") or "agent"
    return State(str(status), str(handler), raw["message_count"])


async def list_full(
    scopes: Scope | ScopeSet, where: Mapping[str, Any], sort: Sort, page: NumberedPage
) -> tuple[list[Full], int]:
    """A page of conversations with their newest embedded messages, and how many there are (up to 10,000)."""
    reader, shown = Conversation.within_all(scopes), {**where, **_UNARCHIVED}
    rows = await reader.find(shown, fields=_LISTED, sort=sort, skip=page.skip, limit=page.limit)
    return [_full(row) for row in rows], await reader.count(shown)


async def set_archived(scope: Scope, conversation_id: str, archived: bool | None) -> Conversation:
    """Archive a conversation or take that back, without closing it; None is the opposite of what it is now.

    Raises ConversationNotFound.
    """
    change: dict[str, Any] = {
        "archived": {"$not": ["$archived"]} if archived is None else archived,
        "updated_at": utc_now(),
        "revision": {"$add": [{"$ifNull": ["$revision", 0]}, 1]},
    }
    raw = await Conversation.within(scope).change_one(
        {"_id": conversation_id, **_ALIVE}, [{"$set": change}], fields={"messages": 0}
    )
    if raw is None:
        raise ConversationNotFound
    return Conversation.from_stored(raw)


async def change_state(
    scope: Scope, conversation_id: str, fields: Mapping[str, Any], *, only_if: Mapping[str, Any]
) -> bool:
    """Set fields of a conversation that is not archived, where a filter holds; answers whether it did."""
    where = {**only_if, "_id": conversation_id, **_UNARCHIVED}
    return await Conversation.within(scope).update_one(where, {"$set": dict(fields)}) == 1


async def release_held_by(scope: Scope, user_id: str) -> None:
    """Take the conversations that a colleague has away from them; they stay with humans, and can be taken over."""
    held = {"handoff_info.assigned_human": user_id, "status": WITH_A_HUMAN}
    await Conversation.within(scope).update_many(held, {"$set": {"handoff_info.assigned_human": None}})


async def unclaimed_waiting(earliest: datetime, now: datetime) -> AsyncIterator[Conversation]:
    """All that wait for a human since ``earliest`` or later, of every tenant, without their messages; oldest first."""
    where = {
        "status": WAITING,
        "handoff_info.requested_at": {"$gte": earliest},
        **_UNARCHIVED,
        **_unclaimed(now),
    }
    rows = Conversation.across_tenants().find(where, {"messages": 0})
    async for raw in rows.sort("handoff_info.requested_at", 1):
        yield Conversation.from_stored(raw)


async def claim_fallback(conversation: Conversation, now: datetime, until: datetime) -> bool:
    """Lease a waiting conversation, and count an attempt; False when somebody else did so since it was read."""
    attempts = conversation.handoff_info.fallback_attempts
    where = {
        "_id": conversation.id,
        "status": WAITING,
        "handoff_info.fallback_attempts": attempts or {"$in": [0, None]},
        **_UNARCHIVED,
        **_unclaimed(now),
    }
    change = {
        "$set": {"handoff_info.fallback_locked_until": until, "handoff_info.last_fallback_at": now},
        "$inc": {"handoff_info.fallback_attempts": 1},
    }
    return await Conversation.within(conversation.scope).update_one(where, change) == 1


async def release_fallback(conversation: Conversation) -> None:
    """End the lease early."""
    change = {"$set": {"handoff_info.fallback_locked_until": None}}
    await Conversation.within(conversation.scope).update_one({"_id": conversation.id}, change)


def _unclaimed(now: datetime) -> dict[str, Any]:
    lease = "handoff_info.fallback_locked_until"
    return {"$or": [{lease: None}, {lease: {"$lt": now}}]}


def _full(raw: dict[str, Any]) -> Full:
    messages, total = raw.pop("messages"), raw["message_count"]
    first = total - len(messages) + 1
    rows = [Placed(first + index, read_message(message)) for index, message in enumerate(messages)]
    return Full(Conversation.from_stored(raw), MessagePage(rows, total))
