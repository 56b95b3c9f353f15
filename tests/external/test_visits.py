"""What a session token must pass before it gets in, and how its interactions are counted."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from crafter.core.security import new_key
from crafter.core.time import utc_now
from crafter.organizations.documents import Organization
from crafter.sessions.documents import SessionToken
from crafter.user_api_keys.documents import UserApiKey
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, half_stream
from tests.fixtures import BASE_URL, Cast
from tests.programs import change_key, change_session, stored_key, stored_session
from tests.world import snapshot

CHAT = "/external/agents/chat"
ASK = {"message": "Hello", "conversationId": None, "userIdentifier": None, "dynamicContext": {}}
PAST = utc_now() - timedelta(days=1)


async def used(session: SessionToken) -> int:
    return int((await stored_session(session))["interactions_used"])


async def refused(client: httpx2.AsyncClient, runtime: Runtime, **request: Any) -> tuple[int, str, str]:
    """How a call is refused: status, code and sentence; apart from when it was looked at, nothing has changed."""
    before = await snapshot(runtime)
    response = await client.post(CHAT, json=ASK, **request)
    assert await snapshot(runtime) == before
    body = response.json()
    return response.status_code, body["code"], body["error"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "SESSION_TOKEN_REQUIRED"),
        ({"X-Session-Token": ""}, "SESSION_TOKEN_REQUIRED"),
        ({"X-API-Key": "a" * 64}, "SESSION_TOKEN_REQUIRED"),
        ({"Authorization": "Bearer " + "a" * 64}, "SESSION_TOKEN_REQUIRED"),
        ({"Authorization": "Session "}, "SESSION_TOKEN_REQUIRED"),
        ({"X-Session-Token": "a" * 64}, "INVALID_SESSION_TOKEN"),
        ({"Authorization": "Session " + "a" * 64}, "INVALID_SESSION_TOKEN"),
        ({"X-Session-Token": "A" * 64}, "INVALID_SESSION_TOKEN"),
        ({"X-Session-Token": "' OR '1'='1"}, "INVALID_SESSION_TOKEN"),
        ({"X-Session-Token": '{"$ne": null}'}, "INVALID_SESSION_TOKEN"),
        ({"X-Session-Token": b"\xff" * 64}, "INVALID_SESSION_TOKEN"),
        ({"X-Session-Token": "a" * 1_000_000}, "INVALID_SESSION_TOKEN"),
    ],
)
async def test_what_is_no_session_is_refused(
    as_nobody: httpx2.AsyncClient, runtime: Runtime, headers: dict[str, Any], code: str
) -> None:
    texts = {
        "SESSION_TOKEN_REQUIRED": "Session token required",
        "INVALID_SESSION_TOKEN": "Invalid or expired session token",
    }

    assert await refused(as_nobody, runtime, headers=headers) == (401, code, texts[code])


async def test_a_token_is_refused_that_comes_twice(
    app: FastAPI, begun: tuple[str, SessionToken], runtime: Runtime
) -> None:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        answered = await refused(client, runtime, headers=[("X-Session-Token", begun[0])] * 2)

    assert answered[:2] == (401, "INVALID_SESSION_TOKEN")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Session-Token": "{token}"},
        {"Authorization": "Session {token}"},
        {"X-Session-Token": "{token}", "X-API-Key": "{key}"},
        {"X-Session-Token": "{token}", "X-API-Key": "{key}", "Authorization": "Bearer {key}"},
        {"X-Session-Token": "{token}", "Authorization": "Session " + "f" * 64},
    ],
)
async def test_a_session_gets_in_whatever_the_sdk_sends_beside_it(
    as_nobody: httpx2.AsyncClient,
    begun: tuple[str, SessionToken],
    issued: tuple[str, UserApiKey],
    headers: dict[str, str],
) -> None:
    sent = {name: form.format(token=begun[0], key=issued[0]) for name, form in headers.items()}

    response = await as_nobody.post(CHAT, json=ASK, headers=sent)

    assert response.status_code == 200, response.text
    assert response.json()["session_info"]["session_id"] == begun[1].id


@pytest.mark.parametrize(
    ("session_fields", "key_fields", "expected"),
    [
        ({"is_revoked": True}, {}, (401, "INVALID_SESSION_TOKEN")),
        ({"expires_at": PAST}, {}, (401, "INVALID_SESSION_TOKEN")),
        ({"interactions_used": 100}, {}, (429, "INTERACTION_LIMIT_EXCEEDED")),
        ({}, {"is_active": False}, (401, "API_KEY_INACTIVE")),
        ({}, {"expires_at": PAST}, (401, "API_KEY_EXPIRED")),
        ({"user_api_key": "gone"}, {}, (401, "API_KEY_INACTIVE")),
        ({"agent": "gone"}, {}, (401, "SESSION_INVALID")),
        ({}, {"scopes": ["agents:chat"]}, (403, "INSUFFICIENT_PERMISSIONS")),
        ({}, {"allowed_projects": ["another"]}, (403, "PROJECT_ACCESS_DENIED")),
        ({}, {"restrictions.ip_whitelist": ["10.0.0.1"]}, (403, "ACCESS_RESTRICTED")),
        ({}, {"restrictions.domain_whitelist": ["shop.example.com"]}, (403, "ACCESS_RESTRICTED")),
        (
            {"is_revoked": True, "interactions_used": 100},
            {"is_active": False},
            (401, "INVALID_SESSION_TOKEN"),
        ),
        ({"interactions_used": 100}, {"is_active": False}, (429, "INTERACTION_LIMIT_EXCEEDED")),
        ({}, {"is_active": False, "expires_at": PAST}, (401, "API_KEY_INACTIVE")),
    ],
)
async def test_a_session_ends_with_itself_its_key_and_its_agent(
    as_visitor: httpx2.AsyncClient,
    session: SessionToken,
    key: UserApiKey,
    runtime: Runtime,
    session_fields: dict[str, Any],
    key_fields: dict[str, Any],
    expected: tuple[int, str],
) -> None:
    if session_fields:
        await change_session(session, **session_fields)
    if key_fields:
        await change_key(key, **key_fields)

    answered = await refused(as_visitor, runtime, headers={"Origin": "https://evil.example"})

    assert answered[:2] == expected


async def test_a_session_dies_with_the_membership_behind_its_key(
    as_visitor: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    seat = {"$pull": {"members": {"user": cast.member.id}}}
    await Organization.collection().update_one({"_id": cast.organization.id}, seat)

    answered = await refused(as_visitor, runtime)

    assert answered == (401, "API_KEY_INACTIVE", "Associated API key is no longer active")


async def test_a_session_may_be_bound_to_the_address_that_it_was_made_from(
    as_visitor: httpx2.AsyncClient, session: SessionToken, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await change_session(session, client_ip="10.0.0.31")
    assert (await as_visitor.post(CHAT, json=ASK)).status_code == 200

    bound = runtime.settings.model_copy(update={"enforce_session_ip_consistency": True})
    monkeypatch.setattr(runtime, "settings", bound)

    assert await refused(as_visitor, runtime) == (403, "IP_MISMATCH", "IP address mismatch")
    await change_session(session, client_ip="127.0.0.1")
    assert (await as_visitor.post(CHAT, json=ASK)).status_code == 200


async def test_of_parallel_calls_no_more_get_in_than_interactions_are_left(
    as_visitor: httpx2.AsyncClient, session: SessionToken, key: UserApiKey
) -> None:
    await change_session(session, max_interactions=10, interactions_used=3)

    responses = await asyncio.gather(*(as_visitor.post(CHAT, json=ASK) for _ in range(60)))

    passed = [response.json() for response in responses if response.status_code == 200]
    over = [response.json() for response in responses if response.status_code == 429]
    assert (len(passed), len(over)) == (7, 53)
    assert sorted(body["session_info"]["remaining_interactions"] for body in passed) == list(range(7))
    assert {(body["code"], body["max_interactions"], body["interactions_used"]) for body in over} == {
        ("INTERACTION_LIMIT_EXCEEDED", 10, 10)
    }
    assert await used(session) == 10
    assert (await stored_key(key))["usage"]["total_requests"] == 7


async def test_the_daily_limit_of_the_key_holds_for_its_sessions_and_costs_no_interaction(
    as_visitor: httpx2.AsyncClient, session: SessionToken, key: UserApiKey
) -> None:
    await change_key(key, **{"restrictions.max_executions_per_day": 5})

    responses = await asyncio.gather(*(as_visitor.post(CHAT, json=ASK) for _ in range(20)))

    codes = [response.json().get("code") for response in responses]
    assert codes.count(None) == 5
    assert codes.count("ACCESS_RESTRICTED") == 15
    assert await used(session) == 5
    assert (await stored_key(key))["usage"]["executions_today"] == 5


async def test_a_call_that_we_refuse_for_its_body_costs_an_interaction(
    as_visitor: httpx2.AsyncClient, session: SessionToken
) -> None:
    response = await as_visitor.post(CHAT, json={"message": ""})

    assert response.status_code == 400
    assert await used(session) == 1


async def test_a_call_that_fails_on_our_side_costs_none(
    as_visitor: httpx2.AsyncClient, session: SessionToken, provider: FakeProvider
) -> None:
    provider.script(Failure(500, "boom"), Failure(500, "boom"))

    response = await as_visitor.post(CHAT, json=ASK)
    stream = await as_visitor.post(f"{CHAT}/stream", json=ASK)

    assert (response.status_code, response.json()["code"]) == (502, "EXECUTION_FAILED")
    assert response.json()["error"].startswith("openai API Error:")
    assert '"type":"error"' in stream.text
    assert await used(session) == 0


async def test_a_mistake_of_ours_costs_none_either(
    as_visitor: httpx2.AsyncClient, session: SessionToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr("crafter.external.routes.ask", broken)
    monkeypatch.setattr("crafter.external.routes.begin", broken)

    for url in (CHAT, f"{CHAT}/stream"):
        response = await as_visitor.post(url, json=ASK)
        assert (response.status_code, response.json()["code"]) == (500, "INTERNAL_ERROR")
    assert await used(session) == 0


async def test_an_answer_that_breaks_off_costs_an_interaction(
    as_visitor: httpx2.AsyncClient, session: SessionToken, provider: FakeProvider
) -> None:
    provider.script(half_stream)

    stream = await as_visitor.post(f"{CHAT}/stream", json=ASK)

    assert '"code":"EXECUTION_FAILED"' in stream.text
    assert await used(session) == 1


async def test_what_is_given_back_is_given_back_once_under_concurrency(
    as_visitor: httpx2.AsyncClient, session: SessionToken, provider: FakeProvider
) -> None:
    await change_session(session, max_interactions=1000)
    provider.script(*(Failure(500, "boom") if n % 2 else Failure(429, "slow") for n in range(20)))

    responses = await asyncio.gather(*(as_visitor.post(CHAT, json=ASK) for _ in range(40)))

    succeeded = sum(response.status_code == 200 for response in responses)
    assert succeeded == 20
    assert await used(session) == 20


async def test_uploads_have_nowhere_to_go(
    as_visitor: httpx2.AsyncClient, as_nobody: httpx2.AsyncClient
) -> None:
    files = {"files": ("a.png", b"\x89PNG", "image/png")}

    response = await as_visitor.post("/external/agents/upload", files=files)
    stranger = await as_nobody.post("/external/agents/upload", files=files)

    assert (response.status_code, response.json()["code"]) == (400, "MEDIA_STORAGE_NOT_CONFIGURED")
    assert stranger.status_code == 401


async def test_a_token_of_one_agent_talks_to_that_agent_only(
    as_visitor: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    await as_visitor.post(CHAT, json={**ASK, "agentId": "another", "agent_id": "another"})

    assert provider.requests[-1].body["prompt_cache_key"] == f"agent_{agent.id}"


async def test_a_forged_token_is_refused(as_nobody: httpx2.AsyncClient, runtime: Runtime) -> None:
    answered = await refused(as_nobody, runtime, headers={"X-Session-Token": new_key()})

    assert answered[:2] == (401, "INVALID_SESSION_TOKEN")
