"""The checks that a session token passes, in the contract's order; then those of the platform key behind it.

The Node server asks of the key only that it is alive. We ask for all that it is limited to: its scope, its projects,
its addresses and domains, its day and its minute. Otherwise a session would be a way around them.
"""

from dataclasses import dataclass
from datetime import datetime

from crafter.agents import service as agent_service
from crafter.agents.documents import Agent
from crafter.agents.errors import AgentNotFound
from crafter.core.errors import CrafterError
from crafter.core.security import is_key
from crafter.organizations.permissions import Permission
from crafter.organizations.service import Access
from crafter.platform_access import service as platform_access
from crafter.platform_access.errors import InvalidApiKey
from crafter.platform_access.restrictions import CallSite, check_site
from crafter.sessions import service as session_service
from crafter.sessions.documents import SessionToken
from crafter.sessions.errors import (
    ApiKeyHasExpired,
    ApiKeyInactive,
    InteractionLimitExceeded,
    InvalidSessionToken,
    IpMismatch,
    SessionInvalid,
    SessionTokenRequired,
)
from crafter.user_api_keys import service as key_service
from crafter.user_api_keys.documents import UserApiKey


@dataclass(slots=True)
class Visit:
    """A session that has got in: its agent, and the key behind it with what that may do."""

    session: SessionToken
    agent: Agent
    key: UserApiKey
    access: Access
    given_back: bool = False


async def open_session(
    token: str | None, site: CallSite, now: datetime, *, same_address: bool, counted: bool
) -> Visit:
    """Whose session this is, if it may be used from there; ``counted``: and if an interaction of it is left to use.

    Raises SessionTokenRequired, InvalidSessionToken, InteractionLimitExceeded, ApiKeyInactive, ApiKeyHasExpired,
    IpMismatch, SessionInvalid, and what the key's own limits raise.
    """
    session = await _find(token, now)
    if counted and session.interactions_used >= session.max_interactions:
        raise _used_up(session)
    key = await key_service.find_active_by_id(session.user_api_key)
    if key is None:
        raise ApiKeyInactive
    if platform_access.has_expired(key, now):
        raise ApiKeyHasExpired
    if same_address and session.client_ip is not None and session.client_ip != site.address:
        raise IpMismatch
    try:
        access = await platform_access.get_access(key)
        agent = await agent_service.get_agent(access.scope, session.agent)
    except InvalidApiKey:
        raise ApiKeyInactive from None
    except AgentNotFound:
        raise SessionInvalid from None
    platform_access.check_permission(access, Permission.agents_execute)
    check_site(key.restrictions, site)
    access.require_project(agent.project)
    return Visit(session, agent, key, access)


async def use_interaction(visit: Visit, now: datetime) -> None:
    """Use up one interaction of the session and one use of its key, or, where either has none left, neither.

    Raises InteractionLimitExceeded, SessionInvalid, DailyLimitReached, KeyRateExceeded, ApiKeyInactive.
    """
    used = await session_service.use_interaction(visit.session, now)
    if used is None:
        raise await _why_not(visit.session, now)
    visit.session = used
    try:
        visit.key = await platform_access.count_use(visit.key, now)
    except InvalidApiKey:
        await give_back(visit)
        raise ApiKeyInactive from None
    except CrafterError:
        await give_back(visit)
        raise


async def give_back(visit: Visit) -> None:
    """Take the use of the visit's interaction back; once, however often it is asked for."""
    if not visit.given_back:
        visit.given_back = True
        await session_service.give_back_interaction(visit.session)


async def _find(token: str | None, now: datetime) -> SessionToken:
    if token is None:
        raise SessionTokenRequired
    session = await session_service.find_live_by_token(token, now) if is_key(token) else None
    if session is None:
        raise InvalidSessionToken
    return session


async def _why_not(session: SessionToken, now: datetime) -> CrafterError:
    current = await session_service.find_live(session, now)
    return SessionInvalid() if current is None else _used_up(current)


def _used_up(session: SessionToken) -> InteractionLimitExceeded:
    return InteractionLimitExceeded(most=session.max_interactions, used=session.interactions_used)
