"""Turns that no model answers: the agent is switched off, or a person is in charge or asked for."""

from dataclasses import dataclass
from typing import Any

from crafter.agents.documents import Agent
from crafter.conversations.documents import Conversation
from crafter.conversations.schemas import HandoffRead

UNAVAILABLE = (
    "This agent is currently unavailable. Your conversation has been forwarded to a human operator "
    "who will assist you shortly."
)
WAITING = "Your request has been forwarded to a human operator. Please wait for assistance."
WITH_A_HUMAN = "You are currently chatting with a human operator from our support team."


@dataclass(frozen=True, slots=True)
class CannedReply:
    """What is answered instead of a model, and what changes in the conversation."""

    text: str
    changes: dict[str, Any]
    handoff_requested: bool | None = None
    handoff_info: dict[str, Any] | None = None
    current_handler: str | None = None


def canned_reply(agent: Agent, conversation: Conversation | None) -> CannedReply | None:
    """The reply for an agent or a conversation that no model may answer; None when one may."""
    if not agent.is_active:
        changes = {"status": "human_controlled", "current_handler": "human"}
        return CannedReply(UNAVAILABLE, changes, current_handler="human")
    if conversation is None or conversation.status not in ("handoff_requested", "human_controlled"):
        return None
    waiting = conversation.status == "handoff_requested"
    info = HandoffRead.from_stored(conversation.handoff_info.model_dump()).model_dump(mode="json")
    return CannedReply(WAITING if waiting else WITH_A_HUMAN, {}, handoff_requested=waiting, handoff_info=info)
