"""Asking for a human: what an agent's tool calls."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from crafter.agents.documents import Agent
from crafter.conversations import handling
from crafter.conversations.documents import Conversation
from crafter.conversations.handling import WAITING, WITH_A_HUMAN
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.handoff_requests import webhook
from crafter.handoff_requests.errors import AlreadyHandedOff, HandoffNotAllowed, NobodyOnline
from crafter.operators import service as operator_service

_FORGOTTEN: dict[str, Any] = {
    "handoff_info.assigned_human": None,
    "handoff_info.assigned_external_operator": None,
    "handoff_info.handed_off_at": None,
    "handoff_info.fallback_attempts": 0,
    "handoff_info.last_fallback_at": None,
    "handoff_info.fallback_locked_until": None,
    "handoff_info.refused_at": None,
    "handoff_info.refused_by": None,
    "handoff_info.refusal_reason": None,
}
"""What an earlier handoff has left."""


@dataclass(frozen=True, slots=True)
class HandoffWish:
    """Why a human is wanted, how urgently, and what they should know."""

    reason: str
    urgency: Literal["low", "medium", "high"] = "medium"
    context_summary: str = ""


@dataclass(frozen=True, slots=True)
class RequestedHandoff:
    """A request that is stored; ``as_info()`` is what the turn answers as ``handoff_info``."""

    wish: HandoffWish
    requested_at: datetime

    def as_info(self) -> dict[str, Any]:
        """``{reason, urgency, context_summary, status, requested_at}``."""
        return {
            "reason": self.wish.reason,
            "urgency": self.wish.urgency,
            "context_summary": self.wish.context_summary,
            "status": WAITING,
            "requested_at": self.requested_at,
        }


async def request_handoff(
    agent: Agent, conversation: Conversation, wish: HandoffWish, runtime: Runtime
) -> RequestedHandoff:
    """Have a conversation of the agent wait for a human, and tell the agent's webhook, which nobody waits for.

    Of two at once one is stored. Raises HandoffNotAllowed, NobodyOnline and AlreadyHandedOff.
    """
    wanted = agent.config.handoff_config
    if not wanted.allow_agent_handoff:
        raise HandoffNotAllowed
    if wanted.require_online_operator and not await operator_service.is_anybody_online(agent.scope):
        raise NobodyOnline
    requested = RequestedHandoff(wish, utc_now())
    state = {
        "status": WAITING,
        "current_handler": "agent",
        "handoff_info.requested_by": "agent",
        "handoff_info.requested_at": requested.requested_at,
        "handoff_info.reason": wish.reason,
        "handoff_info.urgency": wish.urgency,
        "handoff_info.handoff_message": wish.context_summary,
        **_FORGOTTEN,
    }
    free = {"agent": agent.id, "status": {"$nin": [WAITING, WITH_A_HUMAN]}}
    if not await handling.change_state(agent.scope, conversation.id, state, only_if=free):
        raise AlreadyHandedOff
    if wanted.webhook_url:
        notice = {
            "event": "handoff_requested",
            "conversation_id": conversation.id,
            "agent_id": agent.id,
            "reason": wish.reason,
            "urgency": wish.urgency,
            "context_summary": wish.context_summary,
        }
        work = webhook.notify(agent, wanted.webhook_url, notice, requested.requested_at, runtime)
        runtime.tasks.start(work, name=f"handoff webhook {conversation.id}")
    return requested
