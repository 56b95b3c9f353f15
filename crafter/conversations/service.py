"""Every query and every rule about conversations; their messages are in ``messages``."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from crafter.agents.documents import Agent
from crafter.conversations.aside_notes import AsideNotes
from crafter.conversations.documents import NEW_TITLE, Conversation, Lifecycle, MessagePrivacy, MessageSegment
from crafter.conversations.errors import ConversationArchived, ConversationNotFound, IllegalTransition
from crafter.conversations.pipelines import MESSAGE_COUNT, summed_up
from crafter.core.pagination import CursorPage, CursorSigner, NumberedPage
from crafter.core.tenancy import Scope, Sort
from crafter.core.time import utc_now

RECENT_FIRST = (("metadata.last_activity", -1), ("_id", -1))
_WITHOUT_MESSAGES = {"messages": 0}
_BATCH = 200
_PAGE = 50
_ALIVE = {"lifecycle": {"$in": ["active", "archived", None]}}
_LISTED = {
    **dict.fromkeys(
        (
            "agent",
            "user",
            "user_identifier",
            "title",
            "channel",
            "channel_metadata",
            "status",
            "lifecycle",
            "metadata",
            "dynamic_context",
            "dynamic_context_updated_at",
            "created_at",
            "updated_at",
            "__v",
        ),
        1,
    ),
    "organization": 1,
    "project": 1,
    "message_count": MESSAGE_COUNT,
}


async def create_conversation(
    agent: Agent,
    *,
    user: str | None,
    user_identifier: str,
    title: str | None = None,
    user_api_key: str | None = None,
) -> Conversation:
    """Begin a conversation with an agent, for a person or for the end user of a platform key."""
    conversation = new_conversation(
        agent, user=user, user_identifier=user_identifier, title=title, user_api_key=user_api_key
    )
    await add_conversation(conversation)
    return conversation


def new_conversation(
    agent: Agent,
    *,
    user: str | None,
    user_identifier: str,
    title: str | None = None,
    user_api_key: str | None = None,
) -> Conversation:
    """A conversation that is not stored yet."""
    return Conversation(
        organization=agent.organization,
        project=agent.project,
        agent=agent.id,
        user=user,
        user_api_key=user_api_key,
        user_identifier=user_identifier,
        title=title or NEW_TITLE,
        gdpr=MessagePrivacy(encrypt_messages=agent.gdpr.encrypt_messages),
        asides=AsideNotes(title_given=title is not None),
    )


async def add_conversation(conversation: Conversation) -> None:
    """Store a new conversation."""
    await Conversation.within(conversation.scope).insert(conversation.to_stored())


async def get_conversation(
    scope: Scope, conversation_id: str, *, agent_id: str | None = None, key_id: str | None = None
) -> Conversation:
    """A conversation without its messages. Raises ConversationNotFound, also for one of another agent.

    With ``key_id`` it is looked for as a program with that platform key may: what another program or a person began
    is not there, only its own and those without either mark, which the Node server wrote.
    """
    where: dict[str, Any] = {"_id": conversation_id, **_ALIVE}
    if agent_id is not None:
        where["agent"] = agent_id
    if key_id is not None:
        where["$or"] = [{"user_api_key": key_id}, {"user_api_key": None, "user": None}]
    raw = await Conversation.within(scope).find_one(where, fields=_WITHOUT_MESSAGES)
    if raw is None:
        raise ConversationNotFound
    return Conversation.from_stored(raw)


def require_writable(conversation: Conversation) -> None:
    """Raises ConversationArchived."""
    if conversation.lifecycle != "active":
        raise ConversationArchived


async def list_numbered(
    scope: Scope, agent_id: str, page: NumberedPage, *, user_identifier: str | None, status: str | None
) -> tuple[list[dict[str, Any]], int]:
    """A numbered page of an agent's conversations as stored, and how many there are (counted up to 10,000)."""
    where = _listed(agent=agent_id, user_identifier=user_identifier, status=status)
    conversations = Conversation.within(scope)
    rows = await conversations.find(
        where, fields=_LISTED, sort=RECENT_FIRST, skip=page.skip, limit=page.limit
    )
    return rows, await conversations.count(where)


async def list_page(
    scope: Scope,
    page: CursorPage,
    cursors: CursorSigner,
    *,
    lifecycle: Lifecycle = "active",
    **equals: str | None,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of a project's conversations as stored, and the cursor of the next one."""
    where = _listed(lifecycle, **equals)
    listing = {**scope.as_filter(), **where}
    if page.cursor is not None:
        where = {**where, **_after(*cursors.open(page.cursor, listing))}
    rows = await Conversation.within(scope).find(
        where, fields=_LISTED, sort=RECENT_FIRST, limit=page.limit + 1
    )
    if len(rows) <= page.limit:
        return rows, None
    return rows[: page.limit], cursors.seal(_position(rows[page.limit - 1]), listing)


async def sum_up(
    scope: Scope, since: datetime, until: datetime, *, agent_id: str | None = None
) -> list[dict[str, Any]]:
    """The figures of what was begun in a time, with one agent or with all: a row for each day, in order.

    ``[{"_id", "conversations", "messages", "tokens", "cost" (dollars), "tools", "active", "ended"}]``; ``_id`` is the
    day's first moment.
    """
    only: list[Mapping[str, Any]] = [] if agent_id is None else [{"$match": {"agent": agent_id}}]
    return await Conversation.within(scope).aggregate([*only, *summed_up(since, until)])


async def set_lifecycle(scope: Scope, conversation_id: str, target: Lifecycle) -> Conversation:
    """Archive a conversation, or make it active again. Raises ConversationNotFound and IllegalTransition."""
    sources: Sequence[str | None] = ["active", None] if target == "archived" else ["archived"]
    conversations = Conversation.within(scope)
    raw = await conversations.change_one(
        {"_id": conversation_id, "lifecycle": {"$in": sources}},
        {"$set": {"lifecycle": target}},
        fields=_WITHOUT_MESSAGES,
    )
    if raw is not None:
        return Conversation.from_stored(raw)
    there = await get_conversation(scope, conversation_id)
    raise IllegalTransition(
        f"The conversation is {there.lifecycle} already.",
        current=there.lifecycle,
        allowed=["archived" if there.lifecycle == "active" else "active"],
    )


async def delete_conversation(scope: Scope, conversation_id: str) -> None:
    """Delete a conversation and its messages; it is gone for readers at once. Raises ConversationNotFound."""
    conversations = Conversation.within(scope)
    tombstone = {"$set": {"lifecycle": "deleted", "deleted_at": utc_now()}}
    if not await conversations.update_one({"_id": conversation_id, **_ALIVE}, tombstone):
        raise ConversationNotFound
    await MessageSegment.within(scope).delete_many({"conversation": conversation_id})
    await conversations.delete_one({"_id": conversation_id})


async def delete_all(agent: Agent) -> int:
    """Delete every conversation of an agent; answers how many there were."""
    conversations = Conversation.within(agent.scope)
    deleted = await conversations.delete_many({"agent": agent.id})
    await MessageSegment.within(agent.scope).delete_many({"agent": agent.id})
    return deleted


async def delete_begun_before(agent: Agent, moment: datetime) -> AsyncIterator[int]:
    """Delete an agent's conversations of long ago, the oldest first; after each batch, how many it deleted."""
    where = {"agent": agent.id, "created_at": {"$lt": moment}}
    async for deleted in _delete_in_batches(agent.scope, where, (("created_at", 1),)):
        yield deleted


async def delete_with(scope: Scope, user_identifier: str) -> int:
    """Delete every conversation with an end user; answers how many there were."""
    where = {"user_identifier": {"$eq": user_identifier}}
    return sum([deleted async for deleted in _delete_in_batches(scope, where, (("_id", 1),))])


async def each_with(scope: Scope, user_identifier: str) -> AsyncIterator[Conversation]:
    """Every conversation with an end user, without its messages, the first first."""
    where: dict[str, Any] = {"user_identifier": {"$eq": user_identifier}, **_ALIVE}
    conversations = Conversation.within(scope)
    while rows := await conversations.find(where, fields=_WITHOUT_MESSAGES, sort=[("_id", 1)], limit=_PAGE):
        for row in rows:
            yield Conversation.from_stored(row)
        where["_id"] = {"$gt": rows[-1]["_id"]}


async def _delete_in_batches(scope: Scope, where: Mapping[str, Any], order: Sort) -> AsyncIterator[int]:
    """Delete conversations with their messages. What a process leaves half done, the next one finds again.

    They are marked first, so that nothing is added any more. Segments are deleted twice: messages that were about to
    be moved may arrive in one after the first time.
    """
    conversations, segments = Conversation.within(scope), MessageSegment.within(scope)
    while rows := await conversations.find(where, fields={"_id": 1}, sort=order, limit=_BATCH):
        ids = [row["_id"] for row in rows]
        some = {"_id": {"$in": ids}}
        await conversations.update_many(some, {"$set": {"lifecycle": "deleted", "deleted_at": utc_now()}})
        await segments.delete_many({"conversation": {"$in": ids}})
        deleted = await conversations.delete_many(some)
        await segments.delete_many({"conversation": {"$in": ids}})
        yield deleted


async def set_state(scope: Scope, conversation_id: str, fields: dict[str, Any]) -> None:
    """Set fields of a conversation, such as who handles it. Raises ConversationNotFound."""
    if not await Conversation.within(scope).update_one({"_id": conversation_id, **_ALIVE}, {"$set": fields}):
        raise ConversationNotFound


def _position(row: Mapping[str, Any]) -> tuple[str | None, str]:
    """What a cursor remembers of a row in RECENT_FIRST; those without a time come last there."""
    metadata = row.get("metadata")
    moment = metadata.get("last_activity") if isinstance(metadata, Mapping) else None
    return moment.isoformat() if isinstance(moment, datetime) else None, row["_id"]


def _after(moment: str | None, last_id: str) -> dict[str, Any]:
    """The filter for what follows a position."""
    timeless: dict[str, Any] = {"metadata.last_activity": None}
    if moment is None:
        return {**timeless, "_id": {"$lt": last_id}}
    at = datetime.fromisoformat(moment)
    older = {"metadata.last_activity": {"$lt": at}}
    same = {"metadata.last_activity": at, "_id": {"$lt": last_id}}
    return {"$or": [older, same, timeless]}


def _listed(lifecycle: Lifecycle = "active", **equals: str | None) -> dict[str, Any]:
    """The filter of a list: what was asked for, and nothing that is archived unless asked."""
    shown: list[str | None] = ["active", None] if lifecycle == "active" else [lifecycle]
    given = {field: {"$eq": value} for field, value in equals.items() if value is not None}
    return {**given, "lifecycle": {"$in": shown}}
