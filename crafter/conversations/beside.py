"""The half of the service that stores what is found out beside the turns of a conversation, and what that took."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId

from crafter.conversations.documents import Conversation, ConversationSummary
from crafter.core.tenancy import Scope

MOST_HOOK_EXECUTIONS = 100

_MOST_QUIET = 500
_ALIVE = {"lifecycle": {"$in": ["active", "archived", None]}}


async def add_costs(scope: Scope, conversation_id: str, tokens: int, cost: float) -> None:
    """Raise the running totals: tokens, and dollars. Nothing happens to a conversation that is gone."""
    raised = {"metadata.total_tokens_used": tokens, "metadata.total_cost": cost}
    await Conversation.within(scope).update_one({"_id": conversation_id, **_ALIVE}, {"$inc": raised})


async def set_title(scope: Scope, conversation_id: str, title: str, translations: Mapping[str, str]) -> bool:
    """Name a conversation, and in other languages; False for one that a person has named, or that is gone."""
    where = {"_id": conversation_id, **_ALIVE, "asides.title_given": {"$ne": True}}
    fields = {"title": title, "title_translations": _translated(translations)}
    return await Conversation.within(scope).update_one(where, {"$set": fields}) == 1


def _translated(translations: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"_id": ObjectId(), "lang": language, "text": text} for language, text in translations.items()]


async def set_summary(
    conversation: Conversation,
    summary: ConversationSummary,
    text: str,
    translations: Mapping[str, str],
    *,
    last_summary_index: int,
    tokens: int,
) -> Conversation | None:
    """Store a summary of a conversation as it was read; None when another was stored since then, or it is gone.

    ``tokens`` is how many the messages have that are summarised now, and were not before.
    """
    before = conversation.metadata.last_summary_index
    where = {
        "_id": conversation.id,
        **_ALIVE,
        "metadata.last_summary_index": {"$in": [-1, None]} if before < 0 else before,
    }
    fields = {
        "conversation_summary": {
            **summary.model_dump(by_alias=True),
            "summary_translations": _translated(translations),
        },
        "summary": text,
        "metadata.last_summary_index": last_summary_index,
        "metadata.requires_summarization": False,
    }
    counted = {"metadata.summary_version": 1, "asides.summarized_tokens": tokens}
    raw = await Conversation.within(conversation.scope).change_one(
        where, {"$set": fields, "$inc": counted}, fields={"messages": 0}
    )
    return None if raw is None else Conversation.from_stored(raw)


async def set_language(scope: Scope, conversation_id: str, language: str) -> None:
    """Store which language the user writes in, by its ISO 639-1 code."""
    fields = {"current_turn_language": language}
    await Conversation.within(scope).update_one({"_id": conversation_id, **_ALIVE}, {"$set": fields})


async def note_hook(scope: Scope, conversation_id: str, execution: Mapping[str, Any]) -> None:
    """Keep a record of a hook that ran; the last hundred of a conversation are kept."""
    latest = {"$each": [{"_id": ObjectId(), **execution}], "$slice": -MOST_HOOK_EXECUTIONS}
    change = {"$push": {"hook_executions": latest}}
    await Conversation.within(scope).update_one({"_id": conversation_id, **_ALIVE}, change)


async def restart_silence(scope: Scope, conversation_id: str, fields: Mapping[str, Any]) -> None:
    """Count the time in which nobody says anything from now; ``fields`` say from when, and until when."""
    await Conversation.within(scope).update_one({"_id": conversation_id, **_ALIVE}, {"$set": dict(fields)})


async def quiet_conversations(now: datetime) -> AsyncIterator[Conversation]:
    """Those of every tenant in which nobody has said anything for long enough, without their messages."""
    due = {"asides.quiet_due_at": {"$lte": now}}
    rows = Conversation.across_tenants().find(due, {"messages": 0, "hook_executions": 0})
    async for raw in rows.sort("asides.quiet_due_at", 1).limit(_MOST_QUIET):
        yield Conversation.from_stored(raw)


async def claim_silence(conversation: Conversation, next_due_at: datetime | None) -> bool:
    """Take what is due in a conversation; False when another process did so, or somebody has said something."""
    where = {"_id": conversation.id, "asides.quiet_due_at": conversation.asides.quiet_due_at}
    due = "asides.quiet_due_at"
    change: dict[str, Any] = (
        {"$set": {due: next_due_at}} if next_due_at is not None else {"$unset": {due: ""}}
    )
    return await Conversation.within(conversation.scope).update_one(where, change) == 1
