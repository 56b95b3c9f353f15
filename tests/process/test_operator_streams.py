"""Operators who watch a conversation over a connection: until they lose access, or until the server stops."""

import time
from pathlib import Path
from typing import Any

import httpx2

from tests.factories import PASSWORD
from tests.process.service import serving
from tests.process.tenant import Tenant, begin, frames_of, settle

OUT_SECONDS = 5
SLACK_SECONDS = 3
"""What a busy machine may add."""


async def colleague(client: httpx2.AsyncClient, tenant: Tenant) -> tuple[str, str]:
    """Somebody who may look: the token, and the id of the account."""
    account = {"email": "bob@example.com", "password": PASSWORD, "name": "Bob"}
    registered = (await client.post("/auth/register", json=account)).json()
    member = {"email": account["email"], "role": "viewer"}
    added = await client.post(f"/organizations/{tenant.organization}/members", json=member)
    assert added.status_code in (200, 201), added.text
    return registered["token"], registered["user"]["id"]


async def test_a_colleague_who_is_removed_is_out_within_five_seconds_and_no_log_has_the_token(
    tmp_path: Path, on_server: dict[str, str]
) -> None:
    async with serving(tmp_path, CRAFTER_WORKERS="2", **on_server) as service, service.client() as client:
        tenant = await settle(client)
        conversation = await begin(client, tenant)
        token, person = await colleague(client, tenant)
        path = f"/handoffs/conversations/{conversation}/stream"
        async with (
            httpx2.AsyncClient(base_url=f"{service.url}/api/v1", timeout=30) as browser,
            browser.stream("GET", path, params={"token": token}) as response,
        ):
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            frames = frames_of(response)
            assert await anext(frames) == {"type": "connected"}
            await client.post(tenant.messages(conversation), json={"role": "user", "content": "Anybody?"})
            received: list[dict[str, Any]] = []
            async for frame in frames:
                received.append(frame)
                if frame["type"] == "new_messages":
                    break
            gone = await client.delete(f"/organizations/{tenant.organization}/members/{person}")
            removed_at = time.monotonic()
            assert gone.status_code == 200
            async for _ in frames:
                pass
            seconds = time.monotonic() - removed_at

    assert [message["content"] for message in received[-1]["messages"]] == ["Anybody?"]
    assert seconds <= OUT_SECONDS + SLACK_SECONDS
    assert token not in service.log
    assert "/api/v1/handoffs/conversations/{conversation_id}/stream" in service.log


async def test_a_key_that_is_revoked_is_out_within_five_seconds(
    tmp_path: Path, on_server: dict[str, str]
) -> None:
    async with serving(tmp_path, **on_server) as service, service.client() as client:
        tenant = await settle(client)
        conversation = await begin(client, tenant)
        keys = f"/organizations/{tenant.organization}/user-api-keys"
        made = await client.post(keys, json={"name": "desk", "scopes": ["handoffs:manage"]})
        assert made.status_code == 201, made.text
        key = made.json()["data"]
        path = f"/external{tenant.home}/conversations/{conversation}/stream"
        async with (
            httpx2.AsyncClient(base_url=f"{service.url}/api/v1", timeout=30) as desk,
            desk.stream("GET", path, headers={"X-API-Key": key["api_key"]}) as response,
        ):
            assert response.status_code == 200
            frames = frames_of(response)
            assert await anext(frames) == {"type": "connected"}
            gone = await client.delete(f"{keys}/{key['id']}")
            revoked_at = time.monotonic()
            assert gone.status_code == 200, gone.text
            async for _ in frames:
                pass
            seconds = time.monotonic() - revoked_at

    assert seconds <= OUT_SECONDS + SLACK_SECONDS


async def test_a_server_that_stops_does_not_wait_for_those_who_watch(
    tmp_path: Path, on_server: dict[str, str]
) -> None:
    async with (
        serving(tmp_path, CRAFTER_DRAIN_SECONDS="30", **on_server) as service,
        service.client() as client,
    ):
        tenant = await settle(client)
        conversation = await begin(client, tenant)
        async with client.stream("GET", f"/handoffs/conversations/{conversation}/stream") as response:
            frames = frames_of(response)
            assert await anext(frames) == {"type": "connected"}
            started = time.monotonic()
            code = await service.stop()
            rest = [frame["type"] async for frame in frames]

    assert code == 0
    assert time.monotonic() - started < 30 - SLACK_SECONDS
    assert "error" not in rest
