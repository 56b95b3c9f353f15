"""Programs that come in with a platform key or with a session: how their credentials are made, and sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
from fastapi import FastAPI

from crafter.core.security import hash_key, new_key
from crafter.core.time import utc_now
from crafter.organizations.documents import Organization
from crafter.projects.documents import Project
from crafter.sessions.documents import SessionToken
from crafter.user_api_keys.documents import KeyRestrictions, UserApiKey
from crafter.users.documents import User
from tests.fixtures import BASE_URL

ALL_SCOPES = [
    "prompts:execute",
    "agents:read",
    "agents:execute",
    "agents:chat",
    "projects:read",
    "statistics:read",
    "handoffs:manage",
]


async def make_platform_key(
    person: User, organization: Organization | str, *, scopes: list[str] | None = None, **fields: Any
) -> tuple[str, UserApiKey]:
    """A platform key that acts for somebody: its value, and what is stored of it. Restrictions go by their names."""
    value = new_key()
    names = KeyRestrictions.model_fields
    restrictions = KeyRestrictions(**{name: fields.pop(name) for name in list(fields) if name in names})
    key = UserApiKey(
        organization=organization if isinstance(organization, str) else organization.id,
        name="key",
        key_hash=hash_key(value),
        user=person.id,
        created_by=person.id,
        scopes=ALL_SCOPES if scopes is None else scopes,
        restrictions=restrictions,
        **fields,
    )
    await UserApiKey.within(key.scope).insert(key.to_stored())
    return value, key


async def make_session(
    key: UserApiKey, project: Project, agent_id: str, **fields: Any
) -> tuple[str, SessionToken]:
    """A session of a key with an agent of the project: its token, and what is stored of it."""
    token = new_key()
    defaults: dict[str, Any] = {"expires_at": utc_now() + timedelta(hours=1), "max_interactions": 1_000}
    session = SessionToken(
        organization=project.organization,
        project=project.id,
        token_hash=hash_key(token),
        user_api_key=key.id,
        agent=agent_id,
        **(defaults | fields),
    )
    await SessionToken.within(session.scope).insert(session.to_stored())
    return token, session


async def stored_session(session: SessionToken | str) -> dict[str, Any]:
    """What the database holds of a session now."""
    session_id = session if isinstance(session, str) else session.id
    raw = await SessionToken.across_tenants().find_one({"_id": session_id})
    assert raw is not None
    return raw


async def change_session(session: SessionToken | str, **fields: Any) -> None:
    """Set stored fields of a session."""
    session_id = session if isinstance(session, str) else session.id
    await SessionToken.across_tenants().update_one({"_id": session_id}, {"$set": fields})


async def stored_key(key: UserApiKey) -> dict[str, Any]:
    """What the database holds of a key now."""
    raw = await UserApiKey.within(key.scope).find_one({"_id": key.id})
    assert raw is not None
    return raw


async def change_key(key: UserApiKey, **fields: Any) -> None:
    """Set stored fields of a key."""
    await UserApiKey.within(key.scope).update_one({"_id": key.id}, {"$set": fields})


@asynccontextmanager
async def program(app: FastAPI, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that sends these headers, ``x_api_key`` for ``X-API-Key``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx2.AsyncClient(
        transport=transport, base_url=BASE_URL, headers=named, timeout=30
    ) as client:
        yield client


def ways_to_send(value: str) -> dict[str, list[tuple[str, str]]]:
    """Every way of sending a key."""
    return {
        "in its own header": [("X-API-Key", value)],
        "as bearer": [("Authorization", f"Bearer {value}")],
        "in both": [("X-API-Key", value), ("Authorization", f"Bearer {value}")],
    }
