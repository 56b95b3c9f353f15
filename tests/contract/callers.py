"""Who calls, by the names that the table gives them, and what they come in with."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx2

from crafter.auth.tokens import issue_token
from crafter.core.config import Settings
from crafter.core.ids import new_id
from crafter.core.security import new_key
from crafter.core.time import utc_now
from crafter.user_api_keys.documents import KeyUsage
from crafter.users.documents import User
from tests.fixtures import OPERATOR
from tests.programs import make_platform_key, make_session
from tests.world import World

Headers = dict[str, str]
Fields = dict[str, Any]

PEOPLE = {"anybody": "nobody", "signed in": "member", "operator": "admin"}
"""What the table calls people, where it is not what they are to the organization."""


def _odd_keys() -> dict[str, Fields]:
    """Keys that are refused, by what there is about them."""
    return {
        "a scopeless key": {"scopes": ["projects:read"]},
        "an expired key": {"expires_at": utc_now() - timedelta(minutes=1)},
        "a revoked key": {"is_active": False},
        "a key for another address": {"ip_whitelist": ["203.0.113.9"]},
        "a key for another domain": {"domain_whitelist": ["elsewhere.example"]},
        "an exhausted key": {
            "max_executions_per_day": 1,
            "usage": KeyUsage(executions_today=1, last_reset_date=utc_now()),
        },
    }


def _odd_sessions() -> dict[str, tuple[Fields, Fields]]:
    """Sessions that are refused, by what there is about their keys and about themselves."""
    past = utc_now() - timedelta(minutes=1)
    return {
        "a used-up session": ({}, {"max_interactions": 1, "interactions_used": 1}),
        "an expired session": ({}, {"expires_at": past}),
        "a revoked session": ({}, {"is_revoked": True}),
        "a session of a revoked key": ({"is_active": False}, {}),
        "a session of an expired key": ({"expires_at": past}, {}),
    }


async def headers_of(
    who: str, world: World, clients: Mapping[str, httpx2.AsyncClient], settings: Settings
) -> Headers:
    """What somebody comes in with; it is made where it is not there yet."""
    cast = world.cast
    if who == "operator":
        await User.collection().update_one({"_id": world.second_admin.id}, {"$set": {"email": OPERATOR}})
    if (client := clients.get(PEOPLE.get(who, who))) is not None:
        authorization = client.headers.get("authorization")
        return {"authorization": authorization} if authorization else {}
    fixed = {
        "key": {"x-api-key": world.key},
        "session": {"x-session-token": world.session},
        "visitor": {"x-session-token": world.session},
        "an unknown key": {"x-api-key": new_key()},
        "an unknown session": {"x-session-token": new_key()},
        "a broken token": {"authorization": "Bearer x.y.z"},
        "a deleted account": {"authorization": f"Bearer {issue_token(new_id(), settings, utc_now())}"},
    }
    if who in fixed:
        return fixed[who]
    if who in (sessions := _odd_sessions()):
        about_key, about_session = sessions[who]
        _, key = await make_platform_key(cast.admin, cast.organization, **about_key)
        token, _ = await make_session(key, cast.project, world.ids["agent_id"], **about_session)
        return {"x-session-token": token}
    fields = _odd_keys().get(who, {"scopes": [who.removeprefix("key:")]})
    value, _ = await make_platform_key(cast.admin, cast.organization, **fields)
    return {"x-api-key": value}
