"""What was said in long conversations, in short, so that models need not read all of it again."""

from collections.abc import Iterable, Mapping
from typing import Any

from bson import ObjectId

from crafter.conversations import beside, privacy
from crafter.conversations import messages as message_store
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Conversation, ConversationSummary, Message
from crafter.edge.strict_json import check_free_object
from crafter.execution.asides.aside import Aside, quietly
from crafter.execution.asides.asking import Asked, ask, cheap_model_of
from crafter.execution.asides.errors import UnreadableReply
from crafter.execution.asides.texts import json_in, texts_in, transcript
from crafter.execution.asides.translations import translate
from crafter.execution.summary import summary_json
from crafter.llm.base import ChatMessage, tokens_in
from crafter.tool_runtime.results import as_stored, as_text

DUE_AFTER = 15
"""So many messages without a summary want one."""

_LEFT_OUT = 6
_MOST_MESSAGES = 200
_LONGEST_TRANSCRIPT = 60_000
_LONGEST_RESULT = 500
_MOST_ITEMS = 30
_LONGEST_ITEM = 500
_LONGEST_TEXT = 4_000
_INSTRUCTION = (
    "Summarise the conversation that you are shown, in its own language; if there is a summary of what was said "
    "before, bring it up to date. Keep every fact that may be needed later. Answer with nothing but one JSON object: "
    '{"key_topics": ["…"], "important_decisions": ["…"], "unresolved_issues": ["…"], "user_preferences": {}, '
    '"context_data": {}, "tool_results": [{"tool": "…", "key_data": "…"}]}'
)


def is_due(total: int, last_summary_index: int) -> bool:
    """Whether so many messages, of which those up to an index are summarised, want a summary."""
    return total - (last_summary_index + 1) >= DUE_AFTER


async def summarize(aside: Aside) -> Conversation | None:
    """Summarise all but the latest messages; the conversation afterwards, or None if it was not necessary (any more).

    Of two at once one is stored. Raises ConversationNotFound, UnreadableReply, and what ``ask`` raises.
    """
    conversation = await conversation_service.get_conversation(
        aside.conversation.scope, aside.conversation.id
    )
    last = conversation.metadata.last_summary_index
    total = (await message_store.read_newest(conversation.scope, conversation.id, 1)).total
    if not is_due(total, last):
        return None
    upto = max(total - 1 - _LEFT_OUT, 0)
    said = await _unsummarised(aside, conversation, last, upto)
    asked = await cheap_model_of(aside)
    summary = await _summary_of(aside, asked, conversation, said)
    summary.message_count_when_summarized = total
    text = await quietly(aside, "display summary", _displayed(aside, asked, said)) or _plain(summary)
    translated = await quietly(
        aside, "summary translations", translate(aside, asked, text, longest=_LONGEST_TEXT)
    )
    return await beside.set_summary(
        conversation,
        summary,
        text,
        translated or {},
        last_summary_index=upto,
        tokens=sum(tokens_in(message.content) for message in said),
    )


async def _unsummarised(aside: Aside, conversation: Conversation, last: int, upto: int) -> list[Message]:
    """The messages after index ``last`` up to ``upto``, the newest of them if they are very many."""
    page = await message_store.read_page(
        conversation.scope, conversation.id, before=upto + 2, limit=min(upto - last, _MOST_MESSAGES)
    )
    return privacy.unseal(conversation, (row.message for row in page.rows), aside.runtime.keyring)


async def _summary_of(
    aside: Aside, asked: Asked, conversation: Conversation, said: Iterable[Message]
) -> ConversationSummary:
    before = summary_json(conversation)
    shown = f"Summary of what was said before: {before}\n\n{_shown(said)}" if before else _shown(said)
    messages = [ChatMessage("system", _INSTRUCTION), ChatMessage("user", shown)]
    found = json_in((await ask(aside, asked, "summary", messages)).text)
    if not isinstance(found, Mapping):
        raise UnreadableReply
    return ConversationSummary(
        key_topics=_items(found, "key_topics"),
        important_decisions=_items(found, "important_decisions"),
        unresolved_issues=_items(found, "unresolved_issues"),
        tool_results=_tool_results(found.get("tool_results")),
        user_preferences=_object(found.get("user_preferences")),
        context_data=_object(found.get("context_data")),
    )


def _items(found: Mapping[str, Any], name: str) -> list[str]:
    return texts_in(found.get(name), most=_MOST_ITEMS, longest=_LONGEST_ITEM)


async def _displayed(aside: Aside, asked: Asked, said: Iterable[Message]) -> str | None:
    """A summary to be shown to people, if the agent says how it should be made."""
    prompt = aside.agent.config.display_summary_prompt
    if not prompt:
        return None
    messages = [ChatMessage("system", prompt), ChatMessage("user", _shown(said))]
    reply = await ask(aside, asked, "display", messages)
    return reply.text.replace("\0", "")[:_LONGEST_TEXT].strip()


def _plain(summary: ConversationSummary) -> str:
    """The contract's text: ``Topics: a, b | Decisions: c; d``."""
    parts = [
        f"{name}: {separator.join(items)}"
        for name, separator, items in (
            ("Topics", ", ", summary.key_topics),
            ("Decisions", "; ", summary.important_decisions),
        )
        if items
    ]
    return " | ".join(parts)[:_LONGEST_TEXT]


def _shown(said: Iterable[Message]) -> str:
    pairs = [pair for message in said for pair in (*_results(message), (message.role, message.content))]
    return transcript(pairs)[-_LONGEST_TRANSCRIPT:]


def _results(message: Message) -> list[tuple[str, str]]:
    return [
        ("tool", f"{run.get('tool_name')}: {as_text(run.get('result'))[:_LONGEST_RESULT]}")
        for run in message.tools_used
    ]


def _tool_results(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        return []
    named = [one for one in value if isinstance(one, Mapping) and isinstance(one.get("tool"), str)]
    return [
        {
            "_id": ObjectId(),
            "tool": one["tool"].replace("\0", "")[:100],
            "key_data": _text(one.get("key_data")),
        }
        for one in named[:_MOST_ITEMS]
    ]


def _text(value: Any) -> str:
    return (value if isinstance(value, str) else as_text(value)).replace("\0", "")[:_LONGEST_ITEM]


def _object(value: Any) -> dict[str, Any] | None:
    """An object as it may be stored; None where there is none, or nothing in it."""
    if not isinstance(value, Mapping) or not value:
        return None
    try:
        stored: dict[str, Any] = check_free_object(as_stored(value))
    except ValueError:
        return None
    return stored
