"""Platform keys for these tests: where they are served, how one is made, and what is stored of one."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from httpx2 import AsyncClient

from crafter.organizations.documents import Organization
from crafter.user_api_keys.documents import UserApiKey
from crafter.users.documents import User

UNKNOWN_ID = "0199f3a4-7c1e-7b52-9a53-0c1f4f0f2d11"


def keys_url(organization: Organization) -> str:
    return f"/organizations/{organization.id}/user-api-keys"


async def make_key(client: AsyncClient, organization: Organization, **fields: Any) -> dict[str, Any]:
    """A key, made through HTTP: what the answer says of it."""
    body = {"name": "widget", "scopes": ["agents:chat"], **fields}
    response = await client.post(keys_url(organization), json=body)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()["data"]
    return made


async def stored_key(key_id: str) -> dict[str, Any]:
    """A key as the database holds it."""
    raw = await UserApiKey.across_tenants().find_one({"_id": key_id})
    assert raw is not None
    return raw


async def change_stored(key_id: str, **fields: Any) -> None:
    """Set stored fields directly, as time or another server would."""
    await UserApiKey.across_tenants().update_one({"_id": key_id}, {"$set": fields})


async def forget_stored(key_id: str, *fields: str) -> None:
    """Remove stored fields, as if the key were older than they are."""
    await UserApiKey.across_tenants().update_one({"_id": key_id}, {"$unset": dict.fromkeys(fields, "")})


async def store_node_key(user: User, organization: Organization, **fields: Any) -> dict[str, Any]:
    """A key as the Node server writes it: nothing in it is of ours."""
    moment = datetime(2026, 1, 31, 9, 15, 0, 123000, tzinfo=UTC)
    raw = {
        "_id": str(uuid4()),
        "name": "limited",
        "key_hash": uuid4().hex * 2,
        "user": user.id,
        "organization": organization.id,
        "scopes": ["agents:read"],
        "restrictions": {"ip_whitelist": ["1.2.3.4"], "domain_whitelist": ["a.com"]},
        "usage": {"total_requests": 0, "executions_today": 0, "last_reset_date": moment},
        "expires_at": None,
        "is_active": True,
        "created_by": user.id,
        "allowed_projects": [],
        "createdAt": moment,
        "updatedAt": moment,
        "__v": 0,
        **fields,
    }
    await UserApiKey.across_tenants().insert_one(raw)
    return raw
