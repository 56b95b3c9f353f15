"""Two server processes on one database: a budget is exact all the same."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.budgets.making import make_budget, standing
from tests.database import drop_database, with_database
from tests.fakes.provider import FakeProvider
from tests.platform_access.test_processes import hammer
from tests.process.conftest import vendor_of
from tests.process.service import SECRETS, Service, serving
from tests.process.tenant import Tenant, settle

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def services(
    mongodb_uri: str, provider_server: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Service, Service]]:
    uri = with_database(mongodb_uri, f"crafter_budgets_{os.getpid()}")
    variables = {"MONGODB_URI": uri, **SECRETS, **vendor_of(provider_server)}
    folder: Path = tmp_path_factory.mktemp("budgets")
    async with serving(folder / "a", **variables) as first, serving(folder / "b", **variables) as second:
        yield first, second
    drop_database(uri)


@pytest.fixture(scope="module")
async def tenant(services: tuple[Service, Service]) -> AsyncIterator[tuple[Tenant, httpx2.AsyncClient]]:
    async with services[0].client() as client:
        yield await settle(client, "budgets"), client


@pytest.mark.parametrize(("unit", "limit"), [("requests", "60"), ("usd", "0.05")])
async def test_of_two_hundred_calls_just_as_many_are_made_as_there_is_room_for(
    services: tuple[Service, Service],
    tenant: tuple[Tenant, httpx2.AsyncClient],
    provider: FakeProvider,
    unit: str,
    limit: str,
) -> None:
    settled, client = tenant
    home = settled.organization
    kind, named = ("agent", settled.agent) if unit == "requests" else ("organization", home)
    made = await make_budget(client, home, kind, named, unit=unit, limit=limit, window="day")
    body = settled.says("Hello")

    answers = await hammer(services, 200, settled.headers, "POST", settled.chat, json=body)

    passed = sum(answer.status_code == 200 for answer in answers)
    shown = await standing(client, made, home)
    asked = len(provider.requests)
    assert passed == asked
    assert shown["reserved"] == "0"
    assert {answer.status_code for answer in answers} <= {200, 402}
    if unit == "requests":
        assert (passed, shown["spent"], shown["left"]) == (60, "60", "0")
    else:
        assert 0 < float(shown["spent"]) <= float(limit)
    etag = (await client.get(f"/organizations/{home}/budgets/{made['_id']}")).headers["etag"]
    await client.delete(f"/organizations/{home}/budgets/{made['_id']}", headers={"If-Match": etag})
