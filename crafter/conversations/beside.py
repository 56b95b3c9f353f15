"""The half of the service that stores what is found out beside the turns of a conversation, and what that took."""

from collections.abc import Mapping
from typing import Any

from bson import ObjectId

from crafter.conversations.documents import Conversation, ConversationSummary
from crafter.core.tenancy import Scope

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
