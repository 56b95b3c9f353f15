"""Session tokens through HTTP: made, listed, revoked and cleaned up by the key that they belong to."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from crafter.agents.documents import Agent
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.core.security import hash_key
from crafter.core.time import utc_now
from crafter.sessions.documents import SessionToken
from crafter.user_api_keys.documents import UserApiKey
from tests.factories import make_agent, make_project
from tests.fixtures import Cast
from tests.programs import (
    change_key,
    change_session,
    make_platform_key,
    make_session,
    program,
    stored_session,
)


async def test_a_session_is_answered_with_its_token(
    as_program: httpx2.AsyncClient, agent: Agent, key: UserApiKey
) -> None:
    started = utc_now()

    response = await as_program.post(
        "/sessions",
        json={"agentId": agent.id, "maxInteractions": 7, "expiresIn": 600, "userIdentifier": None},
        headers={"Origin": "https://shop.example.com"},
    )

    body = response.json()
    assert response.status_code == 201
    assert body["success"] is True
    assert body["message"].startswith("Session token generated successfully.")
    data = body["data"]
    assert set(data) == {
        "session_token",
        "session_id",
        "agent_id",
        "expires_at",
        "max_interactions",
        "expires_in",
    }
    assert len(data["session_token"]) == 64
    assert (data["agent_id"], data["max_interactions"], data["expires_in"]) == (agent.id, 7, 600)
    stored = await stored_session(data["session_id"])
    assert stored["token_hash"] == hash_key(data["session_token"])
    assert data["session_token"] not in str(stored)
    assert (stored["user_api_key"], stored["agent"]) == (key.id, agent.id)
    assert (stored["client_ip"], stored["client_domain"]) == ("127.0.0.1", "https://shop.example.com")
    assert timedelta(seconds=599) < stored["expires_at"] - started < timedelta(seconds=660)


async def test_an_agent_is_all_that_a_session_needs(as_program: httpx2.AsyncClient, agent: Agent) -> None:
    absent = {"maxInteractions": None, "expiresIn": None}

    data = (await as_program.post("/sessions", json={"agentId": agent.id, **absent})).json()["data"]

    assert (data["max_interactions"], data["expires_in"]) == (100, 3600)


@pytest.mark.parametrize(
    ("body", "path", "sentence"),
    [
        ({}, "agentId", "Agent ID is required"),
        ({"agentId": None}, "agentId", "Agent ID is required"),
        ({"agentId": ""}, "agentId", "Agent ID is required"),
        ({"agentId": {"$ne": None}}, "agentId", "Agent ID is required"),
        ({"maxInteractions": 0}, "maxInteractions", "Max interactions must be between 1 and 1000"),
        ({"maxInteractions": 1001}, "maxInteractions", "Max interactions must be between 1 and 1000"),
        ({"maxInteractions": "many"}, "maxInteractions", "Max interactions must be between 1 and 1000"),
        (
            {"expiresIn": 59},
            "expiresIn",
            "Expires in must be between 60 and 86400 seconds (1 minute to 24 hours)",
        ),
        (
            {"expiresIn": 86401},
            "expiresIn",
            "Expires in must be between 60 and 86400 seconds (1 minute to 24 hours)",
        ),
    ],
)
async def test_a_field_that_is_wrong_is_named(
    as_program: httpx2.AsyncClient, agent: Agent, body: dict[str, Any], path: str, sentence: str
) -> None:
    given = body if "agentId" in body or not body else {"agentId": agent.id, **body}

    response = await as_program.post("/sessions", json=given)

    [error] = response.json()["errors"]
    assert response.status_code == 400
    assert (error["path"], error["msg"], error["location"]) == (path, sentence, "body")


async def test_an_agent_elsewhere_looks_like_one_that_nobody_has(
    as_program: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    theirs = await make_agent(cast.other_project, runtime.keyring)

    for agent_id in (theirs.id, new_id()):
        response = await as_program.post("/sessions", json={"agentId": agent_id})
        assert (response.status_code, response.json()["error"]) == (404, "Agent not found")


async def test_an_agent_outside_of_the_keys_projects_is_denied(
    as_program: httpx2.AsyncClient, cast: Cast, key: UserApiKey, agent: Agent
) -> None:
    second = await make_project(cast.organization, "Second")
    await change_key(key, allowed_projects=[second.id])

    response = await as_program.post("/sessions", json={"agentId": agent.id})

    body = response.json()
    assert response.status_code == 403
    assert (body["code"], body["error"]) == ("PROJECT_ACCESS_DENIED", "Access denied to this agent")


async def test_the_list_has_the_keys_live_sessions_newest_first(
    as_program: httpx2.AsyncClient, cast: Cast, key: UserApiKey, agent: Agent
) -> None:
    _, first = await make_session(key, cast.project, agent.id, client_ip="10.0.0.31", max_interactions=100)
    _, second = await make_session(key, cast.project, agent.id)
    await make_session(key, cast.project, agent.id, is_revoked=True)
    await make_session(key, cast.project, agent.id, expires_at=utc_now() - timedelta(seconds=1))
    _, others = await make_platform_key(cast.member, cast.organization)
    await make_session(others, cast.project, agent.id)

    rows = (await as_program.get("/sessions")).json()["data"]

    assert [row["_id"] for row in rows] == [second.id, first.id]
    shown = rows[1]
    assert {k: v for k, v in shown.items() if k not in ("expires_at", "createdAt", "updatedAt")} == {
        "_id": first.id,
        "id": first.id,
        "user_api_key": key.id,
        "agent": {"_id": agent.id, "id": agent.id, "name": "helper", "type": "chatbot"},
        "client_ip": "10.0.0.31",
        "max_interactions": 100,
        "interactions_used": 0,
        "is_revoked": False,
        "__v": 0,
        "remaining_interactions": 100,
        "is_expired": False,
        "masked_token": f"st_{'*' * 32}{first.id[-8:]}",
    }


@pytest.mark.parametrize(
    ("fields", "is_valid", "is_expired"),
    [
        ({}, True, False),
        ({"is_revoked": True}, False, False),
        ({"expires_at": utc_now() - timedelta(seconds=1)}, False, True),
    ],
)
async def test_one_session_says_whether_it_is_valid(
    as_program: httpx2.AsyncClient,
    cast: Cast,
    key: UserApiKey,
    agent: Agent,
    fields: dict[str, Any],
    is_valid: bool,
    is_expired: bool,
) -> None:
    _, session = await make_session(key, cast.project, agent.id, interactions_used=3, **fields)

    shown = (await as_program.get(f"/sessions/{session.id}")).json()["data"]

    assert (shown["is_valid"], shown["is_expired"]) == (is_valid, is_expired)
    assert shown["remaining_interactions"] == 997
    assert "token_hash" not in shown


async def test_a_session_of_a_deleted_agent_is_still_shown(
    as_program: httpx2.AsyncClient, cast: Cast, key: UserApiKey
) -> None:
    _, session = await make_session(key, cast.project, "gone")

    assert (await as_program.get(f"/sessions/{session.id}")).json()["data"]["agent"] is None


async def test_another_keys_session_does_not_exist(
    as_program: httpx2.AsyncClient, cast: Cast, agent: Agent
) -> None:
    _, others = await make_platform_key(cast.member, cast.organization)
    _, session = await make_session(others, cast.project, agent.id)

    for session_id in (session.id, new_id()):
        for method in ("GET", "DELETE"):
            response = await as_program.request(method, f"/sessions/{session_id}")
            assert (response.status_code, response.json()["error"]) == (404, "Session not found")
    assert not (await stored_session(session))["is_revoked"]


async def test_sessions_are_revoked_one_by_one_and_all_at_once(
    as_program: httpx2.AsyncClient, cast: Cast, key: UserApiKey, agent: Agent
) -> None:
    sessions = [(await make_session(key, cast.project, agent.id))[1] for _ in range(3)]
    _, others = await make_platform_key(cast.member, cast.organization)
    _, untouched = await make_session(others, cast.project, agent.id)

    one = await as_program.delete(f"/sessions/{sessions[0].id}")
    rest = await as_program.delete("/sessions")

    assert one.json() == {"success": True, "message": "Session revoked successfully"}
    assert rest.json() == {
        "success": True,
        "data": {"revoked_count": 2},
        "message": "2 sessions revoked successfully",
    }
    assert (await as_program.get("/sessions")).json()["data"] == []
    assert not (await stored_session(untouched))["is_revoked"]


async def test_cleaning_up_deletes_what_is_over_and_only_of_the_key(
    as_program: httpx2.AsyncClient, cast: Cast, key: UserApiKey, agent: Agent, runtime: Runtime
) -> None:
    past = utc_now() - timedelta(hours=1)
    long_ago = utc_now() - timedelta(hours=25)
    _, expired = await make_session(key, cast.project, agent.id, expires_at=past)
    _, revoked = await make_session(key, cast.project, agent.id, is_revoked=True)
    _, old = await make_session(key, cast.project, agent.id, is_revoked=True, updatedAt=long_ago)
    _, live = await make_session(key, cast.project, agent.id)
    _, others = await make_platform_key(cast.outsider, cast.other_organization)
    _, foreign = await make_session(others, cast.other_project, "a", expires_at=past)

    response = await as_program.post("/sessions/cleanup")

    assert response.json() == {
        "success": True,
        "data": {"deleted_count": 2},
        "message": "2 expired sessions cleaned up",
    }
    left = await runtime.database.db["sessiontokens"].distinct("_id")
    assert set(left) == {revoked.id, live.id, foreign.id}
    assert {expired.id, old.id}.isdisjoint(left)


async def test_the_sessions_of_an_agent_go_with_it(
    as_admin: httpx2.AsyncClient, cast: Cast, key: UserApiKey, agent: Agent, runtime: Runtime
) -> None:
    await make_session(key, cast.project, agent.id)

    await as_admin.delete(
        f"/organizations/{cast.organization.id}/projects/{cast.project.id}/agents/{agent.id}"
    )

    assert await runtime.database.db["sessiontokens"].count_documents({}) == 0


@pytest.fixture
def limit_of_five(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        runtime, "settings", runtime.settings.model_copy(update={"max_sessions_per_agent": 5})
    )


async def test_the_live_sessions_of_a_key_with_an_agent_are_limited(
    as_program: httpx2.AsyncClient,
    app: FastAPI,
    cast: Cast,
    agent: Agent,
    runtime: Runtime,
    limit_of_five: None,
) -> None:
    async def make(client: httpx2.AsyncClient, agent_id: str) -> httpx2.Response:
        return await client.post("/sessions", json={"agentId": agent_id})

    made = [(await make(as_program, agent.id)).json()["data"]["session_id"] for _ in range(5)]
    refused = await make(as_program, agent.id)

    body = refused.json()
    assert (refused.status_code, body["code"]) == (400, "MAX_SESSIONS_EXCEEDED")
    assert body["error"] == "Maximum number of active sessions reached for this agent (5)"
    await as_program.delete(f"/sessions/{made[0]}")
    assert (await make(as_program, agent.id)).status_code == 201
    await change_session(made[1], expires_at=utc_now() - timedelta(seconds=1))
    assert (await make(as_program, agent.id)).status_code == 201
    assert (await make(as_program, agent.id)).status_code == 400
    other = await make_agent(cast.project, runtime.keyring, name="other")
    assert (await make(as_program, other.id)).status_code == 201
    value, _ = await make_platform_key(cast.member, cast.organization)
    async with program(app, x_api_key=value) as colleague:
        assert (await make(colleague, agent.id)).status_code == 201


@pytest.mark.parametrize("already", [0, 3])
async def test_parallel_requests_do_not_get_past_the_limit(
    as_program: httpx2.AsyncClient,
    cast: Cast,
    key: UserApiKey,
    agent: Agent,
    limit_of_five: None,
    already: int,
) -> None:
    for slot in range(already):
        await make_session(key, cast.project, agent.id, slot=slot)

    responses = await asyncio.gather(
        *(as_program.post("/sessions", json={"agentId": agent.id}) for _ in range(50))
    )

    assert sum(response.status_code == 201 for response in responses) == 5 - already
    assert await SessionToken.within(agent.scope).count({"is_revoked": False}) == 5


async def test_a_session_of_the_node_server_is_read_as_it_is(
    as_program: httpx2.AsyncClient, cast: Cast, key: UserApiKey, agent: Agent, runtime: Runtime
) -> None:
    node = {
        "_id": "c4f40789-5d4e-4ebb-94c9-22d304f906be",
        "organization": cast.organization.id,
        "project": cast.project.id,
        "token_hash": "0" * 64,
        "user_api_key": key.id,
        "agent": agent.id,
        "expires_at": utc_now() + timedelta(hours=1),
        "max_interactions": 100,
        "interactions_used": 2,
        "is_revoked": False,
        "createdAt": utc_now(),
        "updatedAt": utc_now(),
        "__v": 0,
    }
    await runtime.database.db["sessiontokens"].insert_one(node)

    [shown] = (await as_program.get("/sessions")).json()["data"]

    assert (shown["_id"], shown["remaining_interactions"]) == (node["_id"], 98)
    assert shown["masked_token"] == f"st_{'*' * 32}04f906be"
