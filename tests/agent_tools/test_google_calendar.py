"""The calendar of an agent."""

from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from tests.agent_tools.support import (
    NODE_CIPHERTEXT,
    ok,
    opened,
    settings_of,
    store_settings,
    url,
)

PART = "google-calendar-config"
NOTHING = {
    "calendar_id": "primary",
    "timezone": "UTC",
    "has_access_token": False,
    "has_refresh_token": False,
    "user_email": None,
    "configured_at": None,
}


async def test_a_calendar_is_connected_and_disconnected(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    empty = await ok(as_member, "GET", url(agent, PART))

    saved = await ok(
        as_member,
        "POST",
        url(agent, PART),
        access_token="access",
        refresh_token="refresh",
        user_email="a@b.co",
        timezone="Europe/Berlin",
    )
    stored = await settings_of(agent, "google_calendar")
    read = await ok(as_member, "GET", url(agent, PART))
    removed = await ok(as_member, "DELETE", url(agent, PART))

    six = {
        "calendar_id": "primary",
        "timezone": "Europe/Berlin",
        "has_access_token": True,
        "has_refresh_token": True,
        "user_email": "a@b.co",
        "configured_at": stored["configured_at"],
    }
    assert empty == {"success": True, "data": NOTHING, "configured": False, "config": NOTHING}
    assert saved == {
        "message": "Google Calendar configuration updated successfully",
        **six,
        "configured": True,
        "config": six,
    }
    assert read == {"success": True, "data": six, "configured": True, "config": six}
    assert removed == {"message": "Google Calendar configuration removed successfully"}
    assert await settings_of(agent, "google_calendar") == {}
    for name, secret in (("encrypted_access_token", "access"), ("encrypted_refresh_token", "refresh")):
        assert opened(runtime, agent, "google_calendar", stored[name], name) == secret
    assert stored["configured_at"].endswith("Z")


async def test_once_connected_the_tokens_may_be_left_out(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    await ok(as_member, "POST", url(agent, PART), access_token="access", calendar_id="team")
    before = await settings_of(agent, "google_calendar")

    again = await ok(as_member, "POST", url(agent, PART), calendar_id="", timezone="UTC", user_email=None)
    masked = await ok(as_member, "POST", url(agent, PART), access_token="***")

    after = await settings_of(agent, "google_calendar")
    assert (again["calendar_id"], again["has_access_token"]) == ("team", True)
    assert masked["has_access_token"] is True
    assert after["encrypted_access_token"] == before["encrypted_access_token"]


@pytest.mark.parametrize(
    ("body", "path", "sentence"),
    [
        ({}, "access_token", "Access token is required and must be a string"),
        ({"access_token": ""}, "access_token", "Access token is required and must be a string"),
        ({"access_token": 5}, "access_token", "Access token is required and must be a string"),
        (
            {"access_token": "t", "refresh_token": []},
            "refresh_token",
            "Refresh token must be a string",
        ),
        (
            {"access_token": "t", "user_email": "nobody"},
            "user_email",
            "User email must be a valid email address",
        ),
    ],
)
async def test_what_is_wrong_is_said(
    as_member: httpx2.AsyncClient, agent: Agent, body: dict[str, Any], path: str, sentence: str
) -> None:
    response = await as_member.post(url(agent, PART), json=body)

    assert response.status_code == 400
    assert [(error["path"], error["msg"]) for error in response.json()["errors"]] == [(path, sentence)]


async def test_a_mask_without_a_stored_token_is_refused(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    response = await as_member.post(url(agent, PART), json={"access_token": "***"})

    assert (response.status_code, response.json()["code"]) == (422, "SECRET_REQUIRED")


async def test_tokens_of_the_node_server_count(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    await store_settings(agent, "google_calendar", {"encrypted_access_token": NODE_CIPHERTEXT})

    saved = await ok(as_member, "POST", url(agent, PART), timezone="Asia/Tokyo")

    assert (saved["configured"], saved["timezone"]) == (True, "Asia/Tokyo")


async def test_disconnecting_is_no_error_where_there_is_nothing(
    as_member: httpx2.AsyncClient, agent: Agent, bare: Agent
) -> None:
    await ok(as_member, "DELETE", url(agent, PART))
    await ok(as_member, "DELETE", url(bare, PART))


async def test_an_older_revision_does_not_disconnect(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    await ok(as_member, "POST", url(agent, PART), access_token="access")

    response = await as_member.delete(url(agent, PART), headers={"If-Match": '"0"'})

    assert response.status_code == 412
    assert (await ok(as_member, "GET", url(agent, PART)))["configured"] is True
