"""Every query and every rule about session tokens; a key reaches only its own, an end user by the token's value."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from crafter.agents.documents import Agent
from crafter.core.security import hash_key, new_key
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now
from crafter.organizations.service import Access
from crafter.platform_access.restrictions import CallSite
from crafter.sessions.documents import SessionToken
from crafter.sessions.errors import SessionNotFound, TooManySessions
from crafter.sessions.schemas import SessionCreate

_LISTED = 1_000
_GUESSES = 8
_REVOKED_ARE_KEPT = timedelta(hours=24)
_DOMAIN_LENGTH = 2_048


@dataclass(frozen=True, slots=True)
class IssuedSession:
    """A session together with its token, which is known only at the moment of its making."""

    session: SessionToken
    token: str


async def create_session(
    access: Access, agent: Agent, new: SessionCreate, site: CallSite, *, limit: int
) -> IssuedSession:
    """Make a session with an agent, for a key. Raises TooManySessions."""
    token = new_key()
    session = SessionToken(
        organization=agent.organization,
        project=agent.project,
        token_hash=hash_key(token),
        user_api_key=_key_of(access),
        agent=agent.id,
        expires_at=utc_now() + timedelta(seconds=new.expires_in),
        client_ip=site.address,
        client_domain=site.page and site.page[:_DOMAIN_LENGTH],
        max_interactions=new.max_interactions,
    )
    await _insert_in_free_slot(session, limit)
    return IssuedSession(session, token)


async def list_live(access: Access) -> list[SessionToken]:
    """The key's sessions that are neither revoked nor have expired, newest first."""
    rows = await SessionToken.within(access.scope).find(
        {"user_api_key": _key_of(access), **_live(utc_now())},
        sort=[("createdAt", -1), ("_id", -1)],
        limit=_LISTED,
    )
    return [SessionToken.from_stored(row) for row in rows]


async def get_session(access: Access, session_id: str) -> SessionToken:
    """One of the key's sessions. Raises SessionNotFound, also for another key's."""
    raw = await SessionToken.within(access.scope).find_one(_own(access, session_id))
    if raw is None:
        raise SessionNotFound
    return SessionToken.from_stored(raw)


async def revoke_session(access: Access, session_id: str) -> None:
    """End a session at once; its slot is free again. Raises SessionNotFound."""
    if not await SessionToken.within(access.scope).update_one(_own(access, session_id), _revoked()):
        raise SessionNotFound


async def revoke_all(access: Access) -> int:
    """End all of the key's sessions; answers how many that were."""
    return await SessionToken.within(access.scope).update_many(
        {"user_api_key": _key_of(access), "is_revoked": False}, _revoked()
    )


async def clean_up(access: Access, now: datetime) -> int:
    """Delete those of the key's sessions that have expired, or were revoked a day ago; answers how many."""
    over = [
        {"expires_at": {"$lt": now}},
        {"is_revoked": True, "updatedAt": {"$lt": now - _REVOKED_ARE_KEPT}},
    ]
    return await SessionToken.within(access.scope).delete_many({"user_api_key": _key_of(access), "$or": over})


async def delete_of_agent(agent: Agent) -> int:
    """Delete every session with an agent; answers how many there were."""
    return await SessionToken.within(agent.scope).delete_many({"agent": agent.id})


async def delete_called(scope: Scope, user_identifier: str) -> int:
    """Delete the session whose end user is called so for want of a better name: ``session_`` and its id."""
    session_id = user_identifier.removeprefix("session_")
    if session_id == user_identifier:
        return 0
    return int(await SessionToken.within(scope).delete_one({"_id": session_id}))


async def find_live_by_token(token: str, now: datetime) -> SessionToken | None:
    """The session of a token, whoever's it is: only who holds the token can ask for it."""
    raw = await SessionToken.across_tenants().find_one({"token_hash": hash_key(token), **_live(now)})
    return None if raw is None else SessionToken.from_stored(raw)


async def find_live(session: SessionToken, now: datetime) -> SessionToken | None:
    """A session as it is now; None when it has ended meanwhile."""
    raw = await SessionToken.within(session.scope).find_one({"_id": session.id, **_live(now)})
    return None if raw is None else SessionToken.from_stored(raw)


async def use_interaction(session: SessionToken, now: datetime) -> SessionToken | None:
    """Use one interaction up and answer the session as it is then; None where none is left, or the session ended.

    Limit and count are one conditional update, so of the calls that come at once no more get in than are left.
    """
    left = {
        "interactions_used": {"$type": "number"},
        "$expr": {"$lt": ["$interactions_used", "$max_interactions"]},
    }
    raw = await SessionToken.within(session.scope).change_one(
        {"_id": session.id, **_live(now), **left},
        {"$inc": {"interactions_used": 1}, "$set": {"last_used_at": now}},
    )
    return None if raw is None else SessionToken.from_stored(raw)


async def give_back_interaction(session: SessionToken) -> None:
    """Take the use of one interaction back."""
    await SessionToken.within(session.scope).update_one(
        {"_id": session.id, "interactions_used": {"$gt": 0}}, {"$inc": {"interactions_used": -1}}
    )


async def _insert_in_free_slot(session: SessionToken, limit: int) -> None:
    """Store a new session in one of the free slots; the unique index decides between racers.

    With some luck a slot that is guessed is free. Without, those of expired sessions are cleared, and all that are
    free then are tried: whoever finds them taken by racers has met the limit. Raises TooManySessions.
    """
    for slot in _guessed(limit):
        if await _insert(session, slot):
            return
    sessions = SessionToken.within(session.scope)
    others = {"user_api_key": session.user_api_key, "agent": session.agent, "slot": {"$exists": True}}
    await sessions.update_many({**others, "expires_at": {"$lte": utc_now()}}, {"$unset": {"slot": ""}})
    rows = await sessions.find(others, fields={"slot": 1}, limit=limit)
    taken = {row["slot"] for row in rows}
    for slot in (slot for slot in range(limit) if slot not in taken):
        if await _insert(session, slot):
            return
    raise TooManySessions(limit)


def _guessed(limit: int) -> Iterator[int]:
    return (secrets.randbelow(limit) for _ in range(min(_GUESSES, limit)))


async def _insert(session: SessionToken, slot: int) -> bool:
    session.slot = slot
    try:
        await SessionToken.within(session.scope).insert(session.to_stored())
    except DuplicateKeyError:
        return False
    return True


def _live(now: datetime) -> dict[str, Any]:
    return {"is_revoked": False, "expires_at": {"$gt": now}}


def _revoked() -> dict[str, Any]:
    return {"$set": {"is_revoked": True}, "$unset": {"slot": ""}}


def _own(access: Access, session_id: str) -> dict[str, Any]:
    return {"_id": session_id, "user_api_key": _key_of(access)}


def _key_of(access: Access) -> str:
    assert access.key is not None
    return access.key.id
