"""Every route that writes lets in whom it declares: each with a world of its own, which it may change."""

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from crafter.core.runtime import Runtime
from tests.fixtures import Cast
from tests.test_access import ROUTES, check_admission
from tests.world import clients_of, make_world

WRITES = [(method, route) for method, route in ROUTES if method != "GET"]


@pytest.mark.parametrize(
    ("method", "route"), WRITES, ids=[f"{method} {route.path}" for method, route in WRITES]
)
async def test_a_route_that_writes_admits_whom_it_declares(
    method: str, route: APIRoute, app: FastAPI, cast: Cast, runtime: Runtime
) -> None:
    world = await make_world(cast, runtime)
    await check_admission(method, route, world, clients_of(app, world))
