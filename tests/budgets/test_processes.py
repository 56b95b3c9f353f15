"""Two server processes on one database: a budget is exact all the same."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.budgets.making import make_budget, standing
from tests.fakes.provider import FakeProvider
from tests.process.pair import hammer, two_services
from tests.process.service import Service
from tests.process.tenant import Tenant, settle

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def services(
    mongodb_uri: str, provider_server: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Service, Service]]:
    folder = tmp_path_factory.mktemp("budgets")
    async with two_services("budgets", mongodb_uri, provider_server, folder) as both:
        yield both


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
