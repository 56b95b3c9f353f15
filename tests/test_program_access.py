"""Every route, tried by programs: with every kind of key and session, genuine and not, however it is sent."""

from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from crafter.core.access import AccessRule, rule_of
from crafter.core.runtime import Runtime
from crafter.core.security import hash_key, new_key
from crafter.core.time import utc_now
from crafter.organizations.permissions import SCOPE_GRANTS, Permission
from tests.factories import make_project
from tests.fixtures import BASE_URL, Cast
from tests.programs import ALL_SCOPES, make_platform_key, make_session, ways_to_send
from tests.test_access import ENDLESS, ROUTES
from tests.world import World, fill, make_world, snapshot

WITH_KEYS = {"key", "member_or_key"}


@pytest.fixture
async def world(cast: Cast, runtime: Runtime) -> World:
    return await make_world(cast, runtime)


def scopes_of(rule: AccessRule) -> list[str]:
    """Just the scopes that a route asks for; for one that asks for none, some scope."""
    if rule.permission is None:
        return ["agents:read"]
    return [scope for scope, granted in SCOPE_GRANTS.items() if Permission(rule.permission) in granted]


async def keys_of(world: World, rule: AccessRule) -> dict[str, str]:
    """One key for each way in which a key can be: its value by what it is."""
    cast = world.cast
    elsewhere = await make_project(cast.organization, "Elsewhere")
    scopes = scopes_of(rule)
    wrong_scopes = [scope for scope in ALL_SCOPES if scope not in scopes]
    yesterday = utc_now() - timedelta(days=1)

    async def made(scopes: list[str], **fields: object) -> str:
        return (await make_platform_key(cast.admin, cast.organization, scopes=scopes, **fields))[0]

    return {
        "in order": await made(scopes),
        "without the scope": await made(wrong_scopes),
        "with an unknown scope": await made(["agents:*"]),
        "of another organization": world.foreign_key,
        "of another project": await made(scopes, allowed_projects=[elsewhere.id]),
        "of somebody who left": (await make_platform_key(cast.outsider, cast.organization, scopes=scopes))[0],
        "revoked": await made(scopes, is_active=False),
        "expired": await made(scopes, expires_at=yesterday),
        "used up": await made(scopes, max_executions_per_day=1, usage={"executions_today": 1}),
        "bound to an address": await made(scopes, ip_whitelist=["10.0.0.1"]),
        "forged": new_key(),
        "malformed": "' OR '1'='1",
    }


def expected(route: APIRoute, rule: AccessRule, key: str) -> tuple[int, str] | None:
    """Status and code with which a key must be refused; None when it gets in."""
    if key in ("of somebody who left", "revoked", "forged", "malformed"):
        return 401, "INVALID_API_KEY"
    if key == "expired":
        return 401, "API_KEY_EXPIRED"
    if key in ("without the scope", "with an unknown scope") and rule.permission is not None:
        return 403, "INSUFFICIENT_PERMISSIONS"
    if key == "of another organization" and "{organization_id}" in route.path:
        return 403, "ORGANIZATION_ACCESS_DENIED"
    if key == "of another project" and "{project_id}" in route.path:
        return 403, "PROJECT_ACCESS_DENIED"
    if key in ("used up", "bound to an address"):
        return 403, "ACCESS_RESTRICTED"
    return None


def for_keys(rule: AccessRule | None) -> bool:
    return rule is not None and rule.kind in WITH_KEYS


@pytest.mark.parametrize(
    ("method", "route"),
    [(method, route) for method, route in ROUTES if for_keys(rule_of(route))],
    ids=lambda value: value if isinstance(value, str) else value.path,
)
async def test_a_route_for_programs_admits_just_the_keys_that_it_should(
    method: str, route: APIRoute, app: FastAPI, world: World, runtime: Runtime
) -> None:
    rule = rule_of(route)
    assert rule is not None
    url = fill(route, world.ids)
    keys = await keys_of(world, rule)
    before = await snapshot(runtime)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE_URL) as client:
        for name, value in keys.items():
            refusal = expected(route, rule, name)
            for way, headers in ways_to_send(value).items():
                if rule.kind == "member_or_key" and way == "as bearer" and name == "malformed":
                    continue  # that is a person's token, and no good one
                if refusal is None:
                    continue
                response = await client.request(method, url, headers=headers, json={})
                assert (response.status_code, response.json()["code"]) == refusal, (name, way, response.text)
            twice = await client.request(method, url, headers=[("X-API-Key", value)] * 2, json={})
            assert twice.status_code == 401
        assert await snapshot(runtime) == before

        for name in keys:
            if expected(route, rule, name) is None and route.path not in ENDLESS:
                response = await client.request(method, url, headers={"X-API-Key": keys[name]}, json={})
                assert response.status_code not in (401, 403), (name, response.text)
                assert response.status_code < 500


@pytest.mark.parametrize(
    ("method", "route"),
    [
        (method, route)
        for method, route in ROUTES
        if (rule := rule_of(route)) is not None and rule.kind in ("session", "visitor")
    ],
    ids=lambda value: value if isinstance(value, str) else value.path,
)
async def test_a_route_for_end_users_admits_just_the_sessions_that_it_should(
    method: str, route: APIRoute, as_nobody: httpx2.AsyncClient, world: World, runtime: Runtime
) -> None:
    rule = rule_of(route)
    assert rule is not None
    cast, url = world.cast, fill(route, world.ids)
    yesterday = utc_now() - timedelta(days=1)

    async def made(key: dict[str, object], **fields: object) -> str:
        _, its_key = await make_platform_key(cast.admin, cast.organization, **key)
        return (await make_session(its_key, cast.project, world.ids["agent_id"], **fields))[0]

    refused = {
        await made({}, is_revoked=True): (401, "INVALID_SESSION_TOKEN"),
        await made({}, expires_at=yesterday): (401, "INVALID_SESSION_TOKEN"),
        await made({"is_active": False}): (401, "API_KEY_INACTIVE"),
        await made({"expires_at": yesterday}): (401, "API_KEY_EXPIRED"),
        await made({"scopes": ["agents:chat"]}): (403, "INSUFFICIENT_PERMISSIONS"),
        await made({"allowed_projects": ["another"]}): (403, "PROJECT_ACCESS_DENIED"),
        await made({"ip_whitelist": ["10.0.0.1"]}): (403, "ACCESS_RESTRICTED"),
        new_key(): (401, "INVALID_SESSION_TOKEN"),
        "' OR '1'='1": (401, "INVALID_SESSION_TOKEN"),
    }
    if rule.kind == "session":
        refused[await made({}, interactions_used=1_000)] = (429, "INTERACTION_LIMIT_EXCEEDED")
        refused[await made({"max_executions_per_day": 1, "usage": {"executions_today": 1}})] = (
            403,
            "ACCESS_RESTRICTED",
        )
    untouched = {name: await stored_usage(runtime, name) for name in refused}

    for token, expected_answer in refused.items():
        for headers in ({"X-Session-Token": token}, {"Authorization": f"Session {token}"}):
            response = await as_nobody.request(method, url, headers=headers, json={"message": "Hello"})
            assert (response.status_code, response.json()["code"]) == expected_answer, response.text
        twice = [("X-Session-Token", token)] * 2
        assert (await as_nobody.request(method, url, headers=twice, json={})).status_code == 401
    assert {name: await stored_usage(runtime, name) for name in refused} == untouched

    nobody = await as_nobody.request(method, url, json={})
    missing = "SESSION_TOKEN_REQUIRED" if rule.kind == "session" else "AUTH_REQUIRED"
    assert (nobody.status_code, nobody.json()["code"]) == (401, missing)
    good = {"X-Session-Token": world.session, "X-API-Key": new_key()}
    response = await as_nobody.request(method, url, headers=good, json={"message": "Hello"})
    assert response.status_code not in (401, 403), response.text
    assert response.status_code < 500


async def stored_usage(runtime: Runtime, token: str) -> int | None:
    """How many interactions of a session are used; None for what is no session."""
    raw = await runtime.database.db["sessiontokens"].find_one({"token_hash": hash_key(token)})
    return raw and raw["interactions_used"]
