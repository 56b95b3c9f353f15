"""Where messages are kept: appended to the conversation, moved to segments, read by the page.

An append is one ``$push``; what it costs depends on the embedded head, which stays below 100 messages and 64 KiB,
not on the length of the conversation. Moving is safe to repeat and to race: the blocks follow from the messages
alone, segments have derived ids, and the conversation is changed only if nobody has moved anything meanwhile.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from bson import encode as to_bson
from pymongo.errors import PyMongoError

from crafter.conversations.documents import Conversation, Message, MessageSegment, raw_segment
from crafter.conversations.errors import ConversationNotFound
from crafter.conversations.pipelines import (
    EMBEDDED,
    LAST_SUMMARY_INDEX,
    MOVED,
    MOVED_OF_USERS,
    USER_MESSAGES,
    unmoved,
)
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now
from crafter.core.tolerance import read_tolerantly

log = structlog.get_logger("crafter.conversations")

HEAD_MESSAGES = 100
HEAD_BYTES = 64 * 1024
BLOCK_MESSAGES = 50
BLOCK_BYTES = HEAD_BYTES // 2

_SIZES = {
    "moved": MOVED,
    "size": {"$size": EMBEDDED},
    "bytes": {"$bsonSize": {"messages": "$messages"}},
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A message and its sequence number, from 1."""

    seq: int
    message: Message


@dataclass(frozen=True, slots=True)
class Appended:
    """Messages that were added: ``seq`` of the first of them, and what there is with them.

    ``last_summary_index`` counts from 0, and is -1 where nothing is summarised.
    """

    seq: int
    total: int
    user_messages: int
    last_summary_index: int


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Some messages in order, and how many the conversation has."""

    rows: list[Placed]
    total: int


async def append_messages(
    scope: Scope,
    conversation_id: str,
    messages: Sequence[Message],
    *,
    also: dict[str, Any] | None = None,
    counters: dict[str, float] | None = None,
    only_if: Mapping[str, Any] | None = None,
) -> Appended:
    """Add messages at the end, all in one step.

    ``also`` are further fields to set, ``counters`` to raise, in the same step. Raises ConversationNotFound, also
    where ``only_if``, a filter, does not hold of the conversation in that step.
    """
    now = utc_now()
    fields: dict[str, Any] = {"metadata.last_activity": now, "archived": False, **(also or {})}
    if messages[-1].role == "user":
        fields["last_customer_message_at"] = now
    change: dict[str, Any] = {
        "$push": {"messages": {"$each": [message.model_dump(by_alias=True) for message in messages]}},
        "$set": fields,
    }
    if counters:
        change["$inc"] = dict(counters)
    where = {"_id": conversation_id, "lifecycle": {"$ne": "deleted"}, **(only_if or {})}
    seen = {**_SIZES, "user_messages": USER_MESSAGES, "last_summary_index": LAST_SUMMARY_INDEX}
    after = await Conversation.within(scope).change_one(where, change, fields=seen)
    if after is None:
        raise ConversationNotFound
    if "size" not in after:
        after = _figures_of(after)
    if after["size"] > HEAD_MESSAGES or (after["bytes"] > HEAD_BYTES and after["size"] > 1):
        await _move_quietly(scope, conversation_id)
    total = int(after["moved"] + after["size"])
    return Appended(
        total - len(messages) + 1, total, int(after["user_messages"]), int(after["last_summary_index"])
    )


def _figures_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a whole conversation.

    A write that the driver has repeated, because its reply was lost, is answered by MongoDB from its history: as the
    document was after the write, without the projection.
    """
    messages = raw.get("messages")
    embedded = messages if isinstance(messages, list) else []
    moved, asides, metadata = raw.get("moved"), raw.get("asides"), raw.get("metadata")
    of_users = asides.get("moved_user_messages") if isinstance(asides, Mapping) else None
    summarised = metadata.get("last_summary_index") if isinstance(metadata, Mapping) else None
    said_by_users = sum(isinstance(one, Mapping) and one.get("role") == "user" for one in embedded)
    return {
        "moved": moved if isinstance(moved, int) and moved >= 0 else 0,
        "size": len(embedded),
        "bytes": len(to_bson({"messages": embedded})),
        "user_messages": (of_users if isinstance(of_users, int) else 0) + said_by_users,
        "last_summary_index": int(summarised) if isinstance(summarised, int | float) else -1,
    }


async def read_page(
    scope: Scope, conversation_id: str, *, before: int | None = None, after: int | None = None, limit: int
) -> MessagePage:
    """The newest messages, or those before or after a sequence number; always in order.

    Raises ConversationNotFound.
    """
    while True:
        sizes = await _sizes(scope, conversation_id)
        total = sizes["moved"] + sizes["size"]
        low, high = _window(total, before, after, limit)
        if low > high:
            return MessagePage([], total)
        head = await _embedded(scope, conversation_id, sizes["moved"], low, high)
        if head is not None:  # otherwise messages have moved between the two reads
            break
    older = (
        [] if low > sizes["moved"] else await _moved(scope, conversation_id, low, min(high, sizes["moved"]))
    )
    return MessagePage(older + head, total)


async def read_newest(scope: Scope, conversation_id: str, limit: int) -> MessagePage:
    """The newest messages, in one round trip while they are all embedded. Raises ConversationNotFound."""
    newest = {**_SIZES, "messages": {"$slice": [EMBEDDED, -limit]}}
    raw = await Conversation.within(scope).find_one({"_id": conversation_id}, fields=newest)
    if raw is None:
        raise ConversationNotFound
    total, rows = raw["moved"] + raw["size"], raw["messages"]
    if len(rows) < min(limit, total):
        return await read_page(scope, conversation_id, limit=limit)
    return MessagePage(_placed(rows, total - len(rows) + 1), total)


async def move_old_messages(scope: Scope, conversation_id: str) -> int:
    """Move the oldest messages to segments until the head is small; answers how many were moved."""
    conversations = Conversation.within(scope)
    kept = {"moved": MOVED, "messages": EMBEDDED, "organization": 1, "project": 1, "agent": 1}
    raw = await conversations.find_one({"_id": conversation_id}, fields=kept)
    if raw is None:
        return 0
    moved, messages = raw["moved"], raw["messages"]
    count = 0
    for block in _blocks(messages):
        first = moved + count + 1
        segment = raw_segment(raw, first, messages[count : count + block])
        await MessageSegment.within(scope).upsert_once(segment)
        count += block
    if count == 0:
        return 0
    rest = {"$slice": ["$messages", count, {"$max": [1, {"$size": "$messages"}]}]}
    of_users = sum(isinstance(one, dict) and one.get("role") == "user" for one in messages[:count])
    done = await conversations.change_one(
        unmoved(conversation_id, moved),
        [
            {
                "$set": {
                    "messages": rest,
                    "moved": moved + count,
                    "asides.moved_user_messages": {"$add": [MOVED_OF_USERS, of_users]},
                }
            }
        ],
        fields={"_id": 1},
    )
    return count if done else 0


async def _move_quietly(scope: Scope, conversation_id: str) -> None:
    """The messages are stored already: whatever hinders the move, the next append tries again."""
    try:
        await move_old_messages(scope, conversation_id)
    except PyMongoError as error:
        log.warning("move_postponed", conversation=conversation_id, error=type(error).__name__)


def _blocks(messages: Sequence[dict[str, Any]]) -> Iterator[int]:
    """The lengths of the blocks to move, oldest first; whoever looks at the same messages cuts the same blocks."""
    sizes = [len(to_bson({"": message})) for message in messages]
    left, left_bytes = len(sizes), sum(sizes)
    start = 0
    while left > BLOCK_MESSAGES or (left_bytes > BLOCK_BYTES and left > 1):
        length, weight = 1, sizes[start]
        while length < BLOCK_MESSAGES and length < left - 1 and weight + sizes[start + length] <= BLOCK_BYTES:
            weight += sizes[start + length]
            length += 1
        if length == left - 1 and length < BLOCK_MESSAGES and weight + sizes[start + length] <= BLOCK_BYTES:
            return  # the block is not full yet, so its end is not known
        yield length
        start, left, left_bytes = start + length, left - length, left_bytes - weight


def _window(total: int, before: int | None, after: int | None, limit: int) -> tuple[int, int]:
    """The first and the last sequence number of a page."""
    if after is not None:
        low = max(after, 0) + 1
        return low, min(total, low + limit - 1)
    high = total if before is None else min(before - 1, total)
    return max(1, high - limit + 1), high


async def _sizes(scope: Scope, conversation_id: str) -> dict[str, Any]:
    raw = await Conversation.within(scope).find_one({"_id": conversation_id}, fields=_SIZES)
    if raw is None:
        raise ConversationNotFound
    return raw


async def _embedded(
    scope: Scope, conversation_id: str, moved: int, low: int, high: int
) -> list[Placed] | None:
    """The embedded part of a window; None when ``moved`` is out of date."""
    start = max(low - moved - 1, 0)
    if high <= moved:
        return []
    part = {"messages": {"$slice": [EMBEDDED, start, high - moved - start]}}
    raw = await Conversation.within(scope).find_one(unmoved(conversation_id, moved), fields=part)
    return None if raw is None else _placed(raw["messages"], moved + start + 1)


async def _moved(scope: Scope, conversation_id: str, low: int, high: int) -> list[Placed]:
    where = {"conversation": conversation_id, "first_seq": {"$gt": low - BLOCK_MESSAGES, "$lte": high}}
    segments = await MessageSegment.within(scope).find(
        where, fields={"first_seq": 1, "messages": 1}, sort=[("first_seq", 1)], limit=high - low + 2
    )
    rows = [row for segment in segments for row in _placed(segment.get("messages"), segment["first_seq"])]
    return [row for row in rows if low <= row.seq <= high]


def _placed(messages: Any, first: int) -> list[Placed]:
    if not isinstance(messages, list):
        return []
    return [Placed(first + index, read_message(raw)) for index, raw in enumerate(messages)]


def read_message(raw: Any) -> Message:
    """A stored message; ``content`` is always text, whatever was stored."""
    if not isinstance(raw, dict):
        raw = {"content": raw}
    if not isinstance(raw.get("content"), str):
        raw = {**raw, "content": "" if raw.get("content") is None else str(raw["content"])}
    return read_tolerantly(Message, raw)
