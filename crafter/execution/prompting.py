"""What a model is given: the agent's system prompt word for word, the application's context, the latest messages."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from crafter.agents.documents import Agent
from crafter.conversations.documents import Conversation, Message
from crafter.execution.summary import summary_json
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
    context = conversation.dynamic_context if conversation else None
    summary = _summary(conversation) if conversation else []
    return [*_instructions(agent, context), *summary, *_latest(earlier), ChatMessage("user", text)]


def build_task(agent: Agent, context: Mapping[str, Any] | None, given: Any) -> list[ChatMessage]:
    """The messages of a task: what is ``given`` as it is if it is text, otherwise as JSON that is easy to read."""
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, indent=2)
    return [*_instructions(agent, context), ChatMessage("user", text)]


def _instructions(agent: Agent, context: Mapping[str, Any] | None) -> list[ChatMessage]:
    messages = [ChatMessage("system", agent.system_prompt)] if agent.system_prompt else []
    if context:
        told = json.dumps(context, ensure_ascii=False, default=str)
        messages.append(ChatMessage("system", f"Context from the application, as JSON: {told}"))
    return messages


def _summary(conversation: Conversation) -> list[ChatMessage]:
    told = summary_json(conversation)
    return [ChatMessage("system", f"Summary of what was said earlier, as JSON: {told}")] if told else []


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
