"""Every id in every path, of another tenant: it looks like one that nobody has."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from crafter.core.access import rule_of
from crafter.core.ids import new_id
from tests.siege import COUNTED
from tests.test_access import NOT_BUILT, ROUTES
from tests.test_isolation import GLOBAL, essence, presented
from tests.world import Besieged, fill, standing_world

HARMLESS_DELETE = "/api/v1/organizations/{organization_id}/members/{user_id}"
"""Removing somebody who is no member is fine, says the contract; so it answers 200 and does nothing."""


def parameters(route: APIRoute) -> list[str]:
    return re.findall(r"\{(\w+)\}", route.path)


def below_an_organization(route: APIRoute) -> bool:
    rule = rule_of(route)
    return rule is not None and rule.kind in ("member", "insider", "member_or_key", "key")


FOREIGN = [
    (method, route, name)
    for method, route in ROUTES
    if below_an_organization(route)
    for name in parameters(route)
    if name not in GLOBAL | {"organization_id"}
]


BODIES: dict[str, dict[str, Any]] = {
    "PUT": {"name": "mine-now", "role": "viewer", "is_active": False},
    "PATCH": {"name": "mine now"},
    "POST": {"name": "mine-now", "message": "x", "user_identifier": "u", "role": "user", "content": "x"},
}


@pytest.fixture(scope="module")
async def besieged(app: FastAPI) -> AsyncIterator[Besieged]:
    """One world for all: nothing that is tried here may change it."""
    async with standing_world(app) as besieged:
        yield besieged


@pytest.mark.parametrize(
    ("method", "route", "name"),
    FOREIGN,
    ids=[f"{method} {route.path} {name}" for method, route, name in FOREIGN],
)
async def test_an_id_of_another_tenant_looks_like_one_that_nobody_has(
    method: str, route: APIRoute, name: str, besieged: Besieged
) -> None:
    world, as_owner = besieged.world, besieged.clients["owner"]
    headers = {"If-Match": '"0"', **presented(route, world)}
    body = BODIES.get(method, {})

    foreign = await as_owner.request(
        method, fill(route, world.ids | {name: world.foreign[name]}), json=body, headers=headers
    )
    missing = await as_owner.request(
        method, fill(route, world.ids | {name: new_id()}), json=body, headers=headers
    )

    assert essence(foreign) == essence(missing)
    assert set(await besieged.changed()) <= set(COUNTED if presented(route, world) else ())
    if method == "GET" and foreign.status_code == 200:
        assert foreign.json() in ([], {"data": [], "page": {"next": None, "prev": None, "has_more": False}})
    elif not (method == "DELETE" and route.path == HARMLESS_DELETE):
        hidden = (400, 404) if name != "project_id" or not presented(route, world) else (403,)
        if route.status_code == NOT_BUILT and name not in ("project_id", "agent_id"):
            hidden = (NOT_BUILT,)
        assert foreign.status_code in hidden
