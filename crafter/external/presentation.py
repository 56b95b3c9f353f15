"""How programs are answered: the answers for people, less what end users need not know, and what is left to use."""

from typing import Any

from crafter.agents.documents import Agent
from crafter.api_keys import service as api_key_service
from crafter.core.time import utc_now
from crafter.execution.events import Failed
from crafter.execution.frames import Ending
from crafter.execution.schemas import ChatAnswer
from crafter.execution.turn import Completed, Turn
from crafter.external.errors import ExecutionFailed
from crafter.external.schemas import (
    AgentDetails,
    AnswerMirror,
    KeyChatAnswer,
    KeyInfo,
    KeySummary,
    KeyUsageRead,
    SessionChatAnswer,
    SessionInfo,
    ToolSummary,
)
from crafter.sessions import visits
from crafter.sessions.visits import Visit
from crafter.user_api_keys import presentation as key_presentation
from crafter.user_api_keys.documents import UserApiKey


async def show_agent(agent: Agent) -> AgentDetails:
    """An agent with its tools and the provider that it works with."""
    return AgentDetails(
        id=agent.id,
        name=agent.name,
        description=agent.description,
        type=agent.type,
        version=agent.version,
        is_active=agent.is_active,
        tools=[
            ToolSummary(name=tool.name, description=tool.description, enabled=tool.enabled)
            for tool in agent.tools
        ],
        api_key=await _key_of(agent),
    )


def show_usage(key: UserApiKey) -> KeyUsageRead:
    """How often the key was used."""
    return KeyUsageRead.model_validate(key_presentation.show_usage(key, utc_now()).model_dump())


def show_to_session(answer: ChatAnswer, visit: Visit) -> SessionChatAnswer:
    """An answer for the end user of a session."""
    return SessionChatAnswer.model_validate(
        {**answer.model_dump(), "session_info": session_info(visit), "data": _mirror(answer)}
    )


def show_to_key(answer: ChatAnswer, key: UserApiKey) -> KeyChatAnswer:
    """An answer for a program."""
    left = show_usage(key).daily_limit_remaining
    info = KeyInfo(api_key_id=key.id, daily_limit_remaining=left)
    return KeyChatAnswer.model_validate(
        {**answer.model_dump(), "api_key_info": info, "data": _mirror(answer)}
    )


def session_info(visit: Visit) -> SessionInfo:
    """The session that was used, and what is left of it."""
    session = visit.session
    return SessionInfo(
        session_id=session.id,
        remaining_interactions=max(session.max_interactions - session.interactions_used, 0),
        expires_at=session.expires_at,
    )


class SessionEnding(Ending):
    """The last frame for the end user of a session, who gets an interaction back for an answer that never began."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def complete(self, turn: Turn, completed: Completed | None) -> dict[str, Any]:
        """Without what the answer took, and with what is left of the session."""
        frame = super().complete(turn, completed)
        kept = ["type", "conversation_id", "message_id", "handoff_requested", "handoff_info"]
        if frame["suggestions"]:
            kept.append("suggestions")
        info = session_info(self._visit).model_dump(mode="json")
        return {**{name: frame[name] for name in kept}, "session_info": info}

    async def error(self, turn: Turn, failed: Failed) -> dict[str, Any]:
        """Under the one code that programs know."""
        if turn.reasoning is None or not turn.reasoning.said:
            await visits.give_back(self._visit)
        return {**await super().error(turn, failed), "code": ExecutionFailed.code}


def _mirror(answer: ChatAnswer) -> AnswerMirror:
    return AnswerMirror(
        conversation_id=answer.conversation_id, response=answer.response, suggestions=answer.suggestions
    )


async def _key_of(agent: Agent) -> KeySummary | None:
    found = await api_key_service.find_keys(agent.scope, [agent.api_key])
    shown = await api_key_service.show_populated(list(found.values()), full_provider=False)
    return KeySummary(name=shown[0]["name"], provider=shown[0]["provider"]["name"]) if shown else None
