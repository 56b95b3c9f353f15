"""Asking for a human in the middle of a turn: what the tool of that name does there."""

from collections.abc import Mapping
from typing import Any

from crafter.agents.documents import Agent
from crafter.conversations.documents import Conversation
from crafter.core.runtime import Runtime
from crafter.execution.reasoning import Closing
from crafter.handoff_requests.service import HandoffWish, RequestedHandoff, request_handoff

TOOL = "request_human_handoff"

_SUMMARY_LENGTH = 4_000
_MESSAGE_LENGTH = 2_000


async def hand_over(
    agent: Agent, conversation: Conversation, arguments: Mapping[str, Any], runtime: Runtime
) -> tuple[RequestedHandoff, Closing]:
    """Have the conversation wait for a human; answers with what ends the turn.

    Raises HandoffNotAllowed, NobodyOnline and AlreadyHandedOff.
    """
    wish = HandoffWish(
        reason=arguments["reason"][:_SUMMARY_LENGTH],
        urgency=arguments.get("urgency", "medium"),
        context_summary=arguments.get("context_summary", "")[:_SUMMARY_LENGTH],
    )
    requested = await request_handoff(agent, conversation, wish, runtime)
    said = arguments.get("handoff_message", "").strip()[:_MESSAGE_LENGTH]
    text = said or agent.config.handoff_config.handoff_message_template
    return requested, Closing(text, "human_handoff_requested", wish.reason)


def result_of(closing: Closing) -> dict[str, Any]:
    """What the tool results in."""
    return {
        "success": True,
        "result": "The conversation waits for a human operator.",
        "handoff_requested": True,
        "conversation_status": "handoff_requested",
        "suggested_message": closing.text,
    }
