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
    "message hook secret": "canary-message-hook-secret",
    "endpoint token": "canary-endpoint-token-0123",
    "endpoint header": "canary-endpoint-header-0123",
    "shared credentials": "canary-shared-credentials",
    "search key": "canary-search-key-01234567",
    "scraper key": "canary-scraper-key-0123456",
    "calendar token": "canary-calendar-token-0123",
    "refresh token": "canary-refresh-token-01234",
    "voice key": "canary-voice-key-012345678",
    "free tool secret": "canary-free-tool-secret-01",
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
    await set_tools_up(as_admin, f"{project}/agents/{agent['_id']}", secrets)
    platform = await ok(
        as_admin.post(f"{organization}/user-api-keys", json={"name": "canary", "scopes": ["agents:execute"]})
    )
    secrets["platform key"] = platform["data"]["api_key"]
    by_key = {"X-API-Key": secrets["platform key"]}
    session = await ok(as_nobody.post("/sessions", json={"agentId": agent["_id"]}, headers=by_key))
    secrets["session token"] = session["data"]["session_token"]
    by_session = {"X-Session-Token": secrets["session token"]}
    await ok(as_nobody.post("/external/agents/chat", json={"message": "x"}, headers=by_session), 200)
    secrets["token"] = registered["token"]

    dump = await everything(runtime)

    assert b"canary@example.com" in dump  # the dump is one
    assert key["id"].encode() in dump
    for name, secret in secrets.items():
        for spelling in spellings(secret):
            assert spelling not in dump, name
        assert gzip.compress(secret.encode())[10:-8] not in dump, name


async def set_tools_up(client: httpx2.AsyncClient, agent: str, secrets: dict[str, str]) -> None:
    """Give an agent every tool that has secrets, with a canary in each place."""
    await ok(
        client.put(
            agent,
            json={
                "tools": ["api_caller", "web_search", "webpage_scraper", "google_calendar", "add_slide"],
            },
        ),
        200,
    )
    endpoint = {"base_url": "https://example.com", "path": "/"}
    settings: dict[str, dict[str, Any]] = {
        "api-config": {
            "endpoints": {
                "own": {
                    **endpoint,
                    "authentication": {"type": "bearer_token", "token": secrets["endpoint token"]},
                    "headers": {"X-Api-Key": secrets["endpoint header"]},
                },
            },
            "authentication": {"type": "cookie", "config": {"cookie": secrets["shared credentials"]}},
        },
        "web-search-config": {"api_key": secrets["search key"]},
        "webpage-scraper-config": {"provider": "tavily", "api_key": secrets["scraper key"]},
        "google-calendar-config": {
            "access_token": secrets["calendar token"],
            "refresh_token": secrets["refresh token"],
        },
        "voice-config": {"provider": "elevenlabs", "api_key": secrets["voice key"]},
        "hooks": {
            "hooks": [
                {
                    "name": "h",
                    "type": "webhook",
                    "trigger": "every_message",
                    "webhook_url": "https://example.com",
                    "webhook_secret": secrets["message hook secret"],
                }
            ]
        },
    }
    for part, body in settings.items():
        await ok(client.post(f"{agent}/{part}", json=body), 200)
    free = {"nested": [{"password": secrets["free tool secret"]}]}
    await ok(client.post(f"{agent}/tools", json={"tool_name": "calculator", "parameters": free}))
