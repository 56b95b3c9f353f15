"""Every route, tried by everybody: generated from the route table, so a new route is covered or fails."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from crafter.app import ROUTERS
from crafter.core.access import UndeclaredRoute, public, require_rules, rule_of
from crafter.core.runtime import Runtime
from crafter.organizations.permissions import GRANTS, OWNER_GRANTS, Permission, Role
from tests.fixtures import Cast, client_of
from tests.world import World, fill, make_world, snapshot

ROUTES = [
    (method, route)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]
NOT_BUILT = 501
WITHOUT_A_BODY = (204, 302, 404, NOT_BUILT)
CALLERS = ("nobody", "outsider", "viewer", "member", "admin", "owner")

PUBLIC = {
    "/health",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/api/v1/auth/password-policy",
    "/api/v1/auth/register",
    "/api/v1/auth/login",
    "/api/v1/auth/oauth/providers",
    "/api/v1/auth/google",
    "/api/v1/auth/google/callback",
    "/api/v1/auth/github",
    "/api/v1/auth/github/callback",
    "/api/v1/api/v1/auth/google",
    "/api/v1/api/v1/auth/github",
    "/api/v1/auth/failure",
    "/widget/{file_name}",
    "/api/v1/channels/webhooks/whatsapp",
    "/api/v1/channels/webhooks/whatsapp/{agent_id}",
    "/api/v1/channels/webhooks/telegram/{agent_id}",
    "/api/v1/channels/webhooks/email/{agent_id}",
    "/api/v1/channels/webhooks/instagram",
    "/api/v1/channels/webhooks/messenger",
    "/api/v1/email/oauth/google/callback",
    "/api/v1/email/oauth/microsoft/callback",
    "/api/v1/email/webhooks/google",
    "/api/v1/email/webhooks/microsoft",
}
FOR_PROGRAMS = {"key", "session", "visitor"}
"""Kinds of rules that admit no person; whom they admit is tried in ``test_program_access``."""

ENDLESS = {
    "/api/v1/handoffs/conversations/{conversation_id}/stream",
    "/api/v1/external/organizations/{organization_id}/projects/{project_id}/conversations/{conversation_id}/stream",
}
"""Streams that end when their reader leaves, which a client without a connection cannot: here they only refuse."""

REFUSES_EVERYBODY = {
    ("PUT", "/api/v1/tools/{tool_name}"): "system tools are changed by nobody",
    ("DELETE", "/api/v1/tools/{tool_name}"): "system tools are deleted by nobody",
}


@pytest.fixture
async def world(cast: Cast, runtime: Runtime) -> World:
    return await make_world(cast, runtime)


@pytest.fixture
async def clients(app: FastAPI, world: World) -> AsyncIterator[dict[str, httpx2.AsyncClient]]:
    cast = world.cast
    people = {
        "nobody": None,
        "outsider": cast.outsider,
        "viewer": cast.viewer,
        "member": cast.member,
        "admin": world.second_admin,
        "owner": cast.admin,
    }
    clients = {name: client_of(app, user) for name, user in people.items()}
    yield clients
    for client in clients.values():
        await client.aclose()


def expected_refusal(route: APIRoute, caller: str) -> int | None:
    """The status with which a caller must be refused; None when they may go on."""
    rule = rule_of(route)
    assert rule is not None
    if rule.kind == "public":
        return None
    if caller == "nobody" or rule.kind in FOR_PROGRAMS:
        return 401
    if rule.kind == "signed_in":
        return None
    if rule.kind == "insider" and caller == "outsider":
        return 404
    if rule.kind == "operator" or caller == "outsider":
        return 403
    role = Role.admin if caller == "owner" else Role(caller)
    assert rule.permission is not None
    granted = GRANTS[role] | (OWNER_GRANTS if caller == "owner" else frozenset())
    return None if Permission(rule.permission) in granted else 403


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(
    ("method", "route"), ROUTES, ids=[f"{method} {route.path}" for method, route in ROUTES]
)
async def test_a_route_admits_whom_it_declares_and_refuses_all_others(
    method: str,
    route: APIRoute,
    caller: str,
    clients: dict[str, httpx2.AsyncClient],
    world: World,
    runtime: Runtime,
) -> None:
    refusal = expected_refusal(route, caller)
    if refusal is None and route.path in ENDLESS:
        return
    before = await snapshot(runtime)

    response = await clients[caller].request(method, fill(route, world.ids), json={})

    if refusal is not None:
        assert response.status_code == refusal, response.text
        assert await snapshot(runtime) == before
        assert response.json()["error"]
    elif (method, route.path) in REFUSES_EVERYBODY:
        assert response.status_code == 403
    elif route.status_code == NOT_BUILT:
        assert (response.status_code, response.json()["code"]) == (NOT_BUILT, "NOT_IMPLEMENTED")
    elif route.path != "/api/v1/auth/login":
        assert response.status_code not in (401, 403), response.text
        assert response.status_code < 500, response.text


def test_just_these_routes_are_public() -> None:
    assert {route.path for _, route in ROUTES if str(rule_of(route)) == "public"} == PUBLIC


def test_every_permission_is_asked_for_by_some_route_and_granted_to_somebody() -> None:
    asked = {rule.permission for _, route in ROUTES if (rule := rule_of(route)) is not None}
    granted = GRANTS[Role.admin] | OWNER_GRANTS

    assert {str(permission) for permission in Permission} == {str(p) for p in asked if p}
    assert granted == set(Permission)


def test_each_role_includes_the_one_below() -> None:
    assert GRANTS[Role.viewer] < GRANTS[Role.member] < GRANTS[Role.admin]


def test_an_application_with_an_undeclared_route_does_not_start() -> None:
    app = FastAPI()

    @app.get("/open", dependencies=[public])
    async def declared() -> None: ...

    @app.get("/forgotten", dependencies=[Depends(lambda: None)])
    async def forgotten() -> None: ...

    with pytest.raises(UndeclaredRoute, match="/forgotten"):
        require_rules(app.routes)


def test_a_route_knows_the_schema_of_its_answer() -> None:
    silent: list[Any] = [
        f"{method} {route.path}"
        for method, route in ROUTES
        if route.response_model is None
        and (route.status_code or 200) not in WITHOUT_A_BODY
        and 200 not in route.responses
    ]

    never_succeed = [f"{method} {path}" for method, path in REFUSES_EVERYBODY]
    assert sorted(silent) == sorted(["GET /health/ready", "GET /metrics", *never_succeed])
