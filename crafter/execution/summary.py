"""The summary of a conversation in what its agent's model is given: instead of the messages that it stands for."""

import json

from crafter.conversations.documents import Conversation

OVERLAP = 4
"""So many messages are given although they are summarised."""

_TOLD = (
    "key_topics",
    "important_decisions",
    "unresolved_issues",
    "user_preferences",
    "context_data",
    "tool_results",
)


def summary_json(conversation: Conversation) -> str | None:
    """The summary as JSON; None where nothing is summarised."""
    if conversation.metadata.last_summary_index < 0:
        return None
    stored = conversation.conversation_summary.model_dump()
    told = {name: stored[name] for name in _TOLD if stored.get(name)}
    for result in told.get("tool_results", []):
        if isinstance(result, dict):
            result.pop("_id", None)
    return json.dumps(told, ensure_ascii=False, default=str) if told else None


def first_told(conversation: Conversation) -> int:
    """The sequence number, from 1, of the first message that the summary does not stand for alone."""
    if summary_json(conversation) is None:
        return 1
    return max(conversation.metadata.last_summary_index + 2 - OVERLAP, 1)
