"""Two tenants: nothing of one can be read, changed, linked, counted or even noticed by the other."""

from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from crafter.core.access import rule_of
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from tests.fixtures import Cast, client_of
from tests.test_access import ENDLESS, ROUTES
from tests.world import World, fill, make_world, snapshot

GLOBAL = {
    "provider_id",
    "tool_name",
    "version_number",
    "provider",
    "channel",
    "file_name",
    "endpoint_name",
    "user_identifier",
    "label",
    "model_name",
}
"""Path parameters that name what belongs to nobody."""


@pytest.fixture
async def world(cast: Cast, runtime: Runtime) -> World:
    return await make_world(cast, runtime)


@pytest.fixture
async def as_owner(app: FastAPI, world: World) -> Any:
    async with client_of(app, world.cast.admin) as client:
        yield client


def presented(route: APIRoute, world: World) -> dict[str, str]:
    """What one sends to a route beside a person's token."""
    rule = rule_of(route)
    return {"X-API-Key": world.key} if rule is not None and rule.kind in ("key", "visitor") else {}


def essence(response: httpx2.Response) -> tuple[int, dict[str, Any]]:
    """What a caller can tell answers apart by."""
    body = response.json()
    return response.status_code, {k: v for k, v in body.items() if k not in ("instance", "request_id")}


def _polls_as_program(route: APIRoute) -> bool:
    """Whether a program asks for messages: the conversation of these tests was begun by a person."""
    return "/external/" in route.path and route.path.endswith("/messages/latest")


def _is_a_login(route: APIRoute) -> bool:
    """Whether a route belongs to a provider of logins; in these tests none is configured."""
    return "/auth/google" in route.path or "/auth/github" in route.path


async def test_ids_in_bodies_are_checked_like_ids_in_paths(
    as_owner: httpx2.AsyncClient, world: World, runtime: Runtime
) -> None:
    project = f"/organizations/{world.ids['organization_id']}/projects/{world.ids['project_id']}"
    agent = f"{project}/agents/{world.ids['agent_id']}"
    prompt = f"{project}/prompts/{world.ids['prompt_id']}"
    model = {"model": "gpt-4o-mini"}
    new_agent = {"name": "spy", "type": "chatbot", "system_prompt": "x", "llm_settings": model}
    suggestions = {"enabled": True, "model": "gpt-4o-mini"}

    def attempts(ids: dict[str, str]) -> list[tuple[str, str, dict[str, Any]]]:
        key = ids["api_key_id"]
        return [
            ("POST", f"{project}/agents", {**new_agent, "api_key": key}),
            (
                "POST",
                f"{project}/agents",
                {
                    **new_agent,
                    "api_key": world.ids["api_key_id"],
                    "question_suggestions": {**suggestions, "api_key": key},
                },
            ),
            ("PUT", agent, {"api_key": key}),
            ("PUT", prompt, {"api_key": key}),
            ("PUT", agent, {"fallbacks": [{"api_key": key, "model": "gpt-4o-mini"}]}),
            ("POST", f"{project}/estimates", {"model": "gpt-4o-mini", "prompt": "x", "api_key": key}),
            (
                "POST",
                f"/organizations/{world.ids['organization_id']}/budgets",
                {
                    "name": "spy",
                    "scope": {"type": "agent", "id": ids["agent_id"]},
                    "unit": "requests",
                    "limit": "1",
                    "window": "day",
                },
            ),
            ("POST", "/proxy/test-prompt", {"content": "x", "api_key_id": key, "llm_settings": model}),
            ("PUT", agent, {"question_suggestions": {**suggestions, "api_key": key}}),
            ("POST", f"{project}/conversations", {"agent": ids["agent_id"], "user_identifier": "u"}),
            (
                "POST",
                f"{agent}/chat",
                {"message": "x", "user_identifier": "u", "conversation_id": ids["conversation_id"]},
            ),
            (
                "POST",
                f"{agent}/chat/stream",
                {"message": "x", "user_identifier": "u", "conversation_id": ids["conversation_id"]},
            ),
            (
                "POST",
                f"/organizations/{world.ids['organization_id']}/user-api-keys",
                {"name": "spy", "scopes": ["agents:chat"], "allowed_projects": [ids["project_id"]]},
            ),
            ("POST", f"/organizations/{world.ids['organization_id']}:transfer", {"user_id": ids["user_id"]}),
        ]

    before = await snapshot(runtime)
    nobodys = dict.fromkeys(world.foreign, new_id())
    for theirs, nothing in zip(attempts(world.foreign), attempts(nobodys), strict=True):
        foreign = await as_owner.request(theirs[0], theirs[1], json=theirs[2], headers={"If-Match": '"0"'})
        missing = await as_owner.request(nothing[0], nothing[1], json=nothing[2], headers={"If-Match": '"0"'})

        assert foreign.status_code in (400, 404), foreign.text
        assert essence(foreign) == essence(missing)
    assert await snapshot(runtime) == before


async def test_server_fields_in_a_body_change_nothing(as_owner: httpx2.AsyncClient, world: World) -> None:
    project = f"/organizations/{world.ids['organization_id']}/projects/{world.ids['project_id']}"
    stowaways = {
        "_id": "mine",
        "id": "mine",
        "org_id": "x",
        "organization": world.foreign["organization_id"],
        "project": world.foreign["project_id"],
        "owner": "x",
        "password_hash": "x",
        "is_admin": True,
        "createdAt": "2000-01-01T00:00:00.000Z",
        "created_at": "2000-01-01T00:00:00.000Z",
        "key_hash": "x",
        "revision": 99,
        "__v": 99,
        "status": "error",
        "consecutive_failures": 99,
    }

    for url, body in (
        (
            f"{project}/agents",
            {
                "name": "a1",
                "type": "chatbot",
                "system_prompt": "x",
                "llm_settings": {"model": "gpt-4o-mini"},
                "api_key": world.ids["api_key_id"],
            },
        ),
        (f"/organizations/{world.ids['organization_id']}/projects", {"name": "P2"}),
        ("/organizations", {"name": "O2"}),
    ):
        response = await as_owner.post(url, json=stowaways | body)

        shown = response.json()
        assert response.status_code == 201, response.text
        assert shown["_id"] not in ("mine", "x")
        assert not shown["createdAt"].startswith("2000")
        assert shown.get("organization", world.ids["organization_id"]) == world.ids["organization_id"]
        assert shown.get("project", world.ids["project_id"]) == world.ids["project_id"]
        assert shown["__v"] == 0
        assert response.headers["etag"] == '"0"'
        assert "x" not in (shown.get("owner"), shown.get("password_hash"), shown.get("key_hash"))


async def test_no_answer_of_any_route_holds_a_secret_or_a_foreign_id(
    as_owner: httpx2.AsyncClient, world: World
) -> None:
    foreign = [value for name, value in world.foreign.items() if name not in GLOBAL]
    for method, route in ROUTES:
        if method != "GET" or route.path in ENDLESS or not route.path.startswith("/api/v1"):
            continue
        response = await as_owner.get(fill(route, world.ids), headers=presented(route, world))

        not_there = "user-api-keys/{" in route.path or _is_a_login(route) or _polls_as_program(route)
        expected = 404 if not_there else route.status_code or 200
        assert response.status_code == expected, (route.path, response.text)
        for secret in (
            "sk-live-world",
            "crafter:1:A256GCM",
            "$2a$12$",
            "key_hash",
            "fingerprint",
            '"password"',
        ):
            assert secret not in response.text, route.path
        for other in foreign:
            assert other not in response.text, route.path
