"""How sessions are answered: with their agent filled in."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from crafter.agents import service as agent_service
from crafter.organizations.service import Access
from crafter.sessions.documents import SessionToken
from crafter.sessions.schemas import SessionAgent, SessionCreate, SessionCreated, SessionDetails, SessionRead
from crafter.sessions.service import IssuedSession

S = TypeVar("S", bound=SessionRead)


def show_new(issued: IssuedSession, asked: SessionCreate) -> SessionCreated:
    """A session that was just made, with its token."""
    session = issued.session
    return SessionCreated(
        session_token=issued.token,
        session_id=session.id,
        agent_id=session.agent,
        expires_at=session.expires_at,
        max_interactions=session.max_interactions,
        expires_in=asked.expires_in,
    )


async def show_list(access: Access, sessions: Sequence[SessionToken]) -> list[SessionRead]:
    """Sessions with their agents; one query in all."""
    return await _show(SessionRead, access, sessions)


async def show_one(access: Access, session: SessionToken) -> SessionDetails:
    """One session with its agent."""
    [shown] = await _show(SessionDetails, access, [session])
    return shown


async def _show(kind: type[S], access: Access, sessions: Sequence[SessionToken]) -> list[S]:
    agents = await agent_service.find_summaries(access.scope, (session.agent for session in sessions))
    return [
        kind.from_stored({**session.to_stored(), "agent": _agent(agents.get(session.agent))})
        for session in sessions
    ]


def _agent(raw: Mapping[str, Any] | None) -> SessionAgent | None:
    return None if raw is None else SessionAgent.from_stored(raw)
