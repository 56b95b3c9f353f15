"""Every route, tried by everybody: generated from the route table, so a new route is covered or fails."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from crafter.app import ROUTERS
from crafter.core.access import UndeclaredRoute, public, require_rules, rule_of
from crafter.organizations.permissions import GRANTS, OWNER_GRANTS, Permission, Role
from tests.world import Besieged, World, fill, standing_world

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


@pytest.fixture(scope="module")
async def besieged(app: FastAPI) -> AsyncIterator[Besieged]:
    """One world for all: who is refused changes nothing, and neither does who reads."""
    async with standing_world(app) as besieged:
        yield besieged


def is_for_people(route: APIRoute) -> bool:
    """Whether a route is for people alone."""
    rule = rule_of(route)
    return rule is not None and rule.kind in ("signed_in", "operator", "member", "insider")


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


EACH_ROUTE = pytest.mark.parametrize(
    ("method", "route"), ROUTES, ids=[f"{method} {route.path}" for method, route in ROUTES]
)


@EACH_ROUTE
async def test_a_route_refuses_all_whom_it_does_not_declare(
    method: str, route: APIRoute, besieged: Besieged
) -> None:
    for caller in CALLERS:
        refusal = expected_refusal(route, caller)
        if refusal is None:
            continue
        response = await ask(besieged.clients[caller], method, route, besieged.world)
        assert response.status_code == refusal, f"{caller}: {response.text}"
        assert response.json()["error"]
    assert await besieged.changed() == []


@pytest.mark.parametrize(
    "route", [r for method, r in ROUTES if method == "GET"], ids=lambda route: route.path
)
async def test_a_route_that_reads_admits_whom_it_declares(route: APIRoute, besieged: Besieged) -> None:
    await check_admission("GET", route, besieged.world, besieged.clients)
    await besieged.changed()


async def check_admission(
    method: str, route: APIRoute, world: World, clients: dict[str, httpx2.AsyncClient]
) -> None:
    """Have everybody in who may; what they find there is another matter."""
    for caller in CALLERS:
        if expected_refusal(route, caller) is not None or route.path in ENDLESS:
            continue
        response = await ask(clients[caller], method, route, world)
        if (method, route.path) in REFUSES_EVERYBODY:
            assert response.status_code == 403
        elif route.status_code == NOT_BUILT:
            assert (response.status_code, response.json()["code"]) == (NOT_BUILT, "NOT_IMPLEMENTED")
        elif route.path != "/api/v1/auth/login":
            assert response.status_code not in (401, 403), f"{caller}: {response.text}"
            assert response.status_code < 500, f"{caller}: {response.text}"


async def ask(client: httpx2.AsyncClient, method: str, route: APIRoute, world: World) -> httpx2.Response:
    return await client.request(method, fill(route, world.ids), json={})


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
