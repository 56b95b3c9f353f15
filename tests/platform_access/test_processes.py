"""Two server processes on one database: limits and counters are exact all the same."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.fakes.provider import FakeProvider
from tests.process.pair import hammer, two_services
from tests.process.service import Service
from tests.process.tenant import Tenant, settle
from tests.programs import ALL_SCOPES

pytestmark = pytest.mark.slow

USAGE = "/external/usage/api-key"


@pytest.fixture(scope="module")
async def services(
    mongodb_uri: str, provider_server: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Service, Service]]:
    folder = tmp_path_factory.mktemp("two")
    async with two_services("two", mongodb_uri, provider_server, folder) as both:
        yield both


@pytest.fixture(scope="module")
async def tenant(services: tuple[Service, Service]) -> AsyncIterator[tuple[Tenant, httpx2.AsyncClient]]:
    async with services[0].client() as client:
        yield await settle(client, "two"), client


async def key_with(tenant: tuple[Tenant, httpx2.AsyncClient], **restrictions: Any) -> str:
    settled, client = tenant
    body = {"name": "two processes", "scopes": ALL_SCOPES, "restrictions": restrictions}
    made = await client.post(f"/organizations/{settled.organization}/user-api-keys", json=body)
    value: str = made.json()["data"]["api_key"]
    return value


async def test_two_hundred_calls_are_two_hundred_uses(
    services: tuple[Service, Service], tenant: tuple[Tenant, httpx2.AsyncClient]
) -> None:
    key = {"X-API-Key": await key_with(tenant)}

    responses = await hammer(services, 200, key, "GET", USAGE)

    assert {response.status_code for response in responses} == {200}
    said = sorted(response.json()["data"]["usage"]["total_requests"] for response in responses)
    assert said == list(range(1, 201))


@pytest.mark.parametrize(("limit", "status"), [("max_executions_per_day", 403), ("rate_limit_override", 429)])
async def test_of_two_hundred_calls_just_as_many_pass_as_the_limit_allows(
    services: tuple[Service, Service], tenant: tuple[Tenant, httpx2.AsyncClient], limit: str, status: int
) -> None:
    key = {"X-API-Key": await key_with(tenant, **{limit: 60})}

    responses = await hammer(services, 200, key, "GET", USAGE)

    passed = [response for response in responses if response.status_code == 200]
    if limit == "max_executions_per_day":
        assert len(passed) == 60
    else:  # another minute may have begun meanwhile, with a limit of its own
        assert len(passed) in (60, 120)
    assert {response.status_code for response in responses} - {200} == {status}


async def test_of_two_hundred_calls_of_a_session_just_as_many_pass_as_are_left(
    services: tuple[Service, Service], tenant: tuple[Tenant, httpx2.AsyncClient], provider: FakeProvider
) -> None:
    settled, _ = tenant
    key = {"X-API-Key": await key_with(tenant)}
    async with services[0].client(headers=key) as client:
        body = {"agentId": settled.agent, "maxInteractions": 30}
        made = (await client.post("/sessions", json=body)).json()["data"]
    token = {"X-Session-Token": made["session_token"]}

    responses = await hammer(services, 200, token, "POST", "/external/agents/chat", json={"message": "Hello"})

    passed = [response.json() for response in responses if response.status_code == 200]
    left = sorted(body["session_info"]["remaining_interactions"] for body in passed)
    assert left == list(range(30))
    assert {response.status_code for response in responses} == {200, 429}
    async with services[1].client(headers=key) as client:
        session = (await client.get(f"/sessions/{made['session_id']}")).json()["data"]
    assert session["interactions_used"] == 30
