"""What a model is given: the agent's system prompt word for word, the application's context, the latest messages."""

import json
from collections.abc import Sequence

from crafter.agents.documents import Agent
from crafter.conversations.documents import Conversation, Message
from crafter.llm.base import ChatMessage, ChatRole

HISTORY_CHARACTERS = 12_000
"""About 4,000 tokens of earlier messages, at three characters each."""

_ROLES: dict[str, ChatRole] = {
    "user": "user",
    "assistant": "assistant",
    "human_operator": "assistant",
    "system": "system",
}


def history_limit(agent: Agent) -> int:
    """How many earlier messages may be looked at."""
    return min(max(agent.config.max_conversation_length, 1), 200)


def build_messages(
    agent: Agent, conversation: Conversation | None, earlier: Sequence[Message], text: str
) -> list[ChatMessage]:
    """The messages of one call, oldest first; the newest of the earlier ones that fit."""
    messages = [ChatMessage("system", agent.system_prompt)] if agent.system_prompt else []
    context = conversation.dynamic_context if conversation else None
    if context:
        told = json.dumps(context, ensure_ascii=False, default=str)
        messages.append(ChatMessage("system", f"Context from the application, as JSON: {told}"))
    return [*messages, *_latest(earlier), ChatMessage("user", text)]


def _latest(earlier: Sequence[Message]) -> list[ChatMessage]:
    kept: list[ChatMessage] = []
    room = HISTORY_CHARACTERS
    for message in reversed(earlier):
        role = _ROLES.get(message.role)
        if role is None or not message.content:
            continue
        room -= len(message.content)
        if room < 0:
            break
        kept.append(ChatMessage(role, message.content))
    return kept[::-1]
