"""Whoever steals the database has nothing: no secret is in any collection, index or oplog entry, in any spelling."""

import base64
import gzip
from collections.abc import Iterator
from typing import Any

import httpx2

from crafter.core.runtime import Runtime
from crafter.providers.documents import Provider
from tests.fixtures import Cast

CANARIES = {
    "password": "Blue$Canary77Waves-x",
    "provider key": "sk-canary-provider-0123456789",
    "storage key": "AKIACANARYSTORAGE",
    "storage secret": "canary/storage/secret/0123456789",
    "hook secret": "canary-handoff-webhook-secret",
    "transformer secret": "canary-transformer-secret",
    "encrypted message": "canary message that is confidential",
}


def spellings(secret: str) -> Iterator[bytes]:
    raw = secret.encode()
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for shift in range(3):  # base64 looks different at each offset
        coded = base64.b64encode(b"x" * shift + raw)
        yield coded[4 if shift else 0 : -4]


async def everything(runtime: Runtime) -> bytes:
    """All documents of the database, and all of the replication log about it, as they are on the disk."""
    db = runtime.database.db
    sources = [db[name].find_raw_batches({}) for name in await db.list_collection_names()]
    oplog = runtime.database.client.local["oplog.rs"]
    sources.append(oplog.find_raw_batches({"ns": {"$regex": f"^{db.name}[.]"}}))
    return b"".join([batch for source in sources async for batch in source])


async def ok(request: Any, status: int = 201) -> dict[str, Any]:
    response = await request
    assert response.status_code == status, response.text
    return response.json()


async def test_no_secret_is_stored_readably(
    as_nobody: httpx2.AsyncClient, as_admin: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    secrets = dict(CANARIES)
    registered = await ok(
        as_nobody.post(
            "/auth/register",
            json={"email": "canary@example.com", "password": secrets["password"], "name": "Canary"},
        )
    )
    organization = f"/organizations/{cast.organization.id}"
    project = f"{organization}/projects/{cast.project.id}"
    openai = await Provider.collection().find_one({"name": "openai"})
    assert openai is not None
    await ok(
        as_admin.put(
            organization,
            json={
                "media_storage": {
                    "enabled": True,
                    "credentials": {
                        "access_key_id": secrets["storage key"],
                        "secret_access_key": secrets["storage secret"],
                    },
                }
            },
        ),
        200,
    )
    key = await ok(
        as_admin.post(
            f"{project}/api-keys",
            json={"name": "k", "key": secrets["provider key"], "provider": openai["_id"]},
        )
    )
    agent = await ok(
        as_admin.post(
            f"{project}/agents",
            json={
                "name": "canary",
                "type": "chatbot",
                "system_prompt": "x",
                "api_key": key["id"],
                "llm_settings": {"model": "gpt-4o-mini"},
                "gdpr": {"encrypt_messages": True},
                "config": {
                    "handoff_config": {
                        "webhook_url": "https://example.com",
                        "webhook_secret": secrets["hook secret"],
                    }
                },
                "message_transformers": [
                    {
                        "name": "t",
                        "pattern": "x",
                        "webhook_url": "https://example.com",
                        "webhook_secret": secrets["transformer secret"],
                    }
                ],
            },
        )
    )
    await ok(
        as_admin.post(
            f"{project}/agents/{agent['_id']}/chat",
            json={"message": secrets["encrypted message"], "user_identifier": "u"},
        ),
        200,
    )
    platform = await ok(
        as_admin.post(f"{organization}/user-api-keys", json={"name": "canary", "scopes": ["agents:chat"]})
    )
    secrets["platform key"] = platform["data"]["api_key"]
    secrets["token"] = registered["token"]

    dump = await everything(runtime)

    assert b"canary@example.com" in dump  # the dump is one
    assert key["id"].encode() in dump
    for name, secret in secrets.items():
        for spelling in spellings(secret):
            assert spelling not in dump, name
        assert gzip.compress(secret.encode())[10:-8] not in dump, name
