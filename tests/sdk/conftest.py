"""The SDK, a service to run it against, and what it needs there."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.database import drop_database, with_database
from tests.fakes.provider import FakeProvider
from tests.process.conftest import vendor_of
from tests.process.service import SECRETS, Service, serving
from tests.process.tenant import Tenant, settle
from tests.programs import ALL_SCOPES
from tests.sdk.sdk import Call, Sdk, SdkMissing, fetch


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Sdk:
    """The published package; skips where it cannot be had."""
    try:
        return fetch(tmp_path_factory.mktemp("sdk"))
    except SdkMissing as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
async def service(
    mongodb_uri: str, provider_server: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    """A live service on a database of its own."""
    uri = with_database(mongodb_uri, f"crafter_sdk_{os.getpid()}")
    variables = {"MONGODB_URI": uri, **SECRETS, **vendor_of(provider_server)}
    async with serving(tmp_path_factory.mktemp("service") / "crafter", **variables) as service:
        yield service
    drop_database(uri)


@dataclass(frozen=True)
class Program:
    """Somebody's program: the SDK with a key of theirs."""

    sdk: Sdk
    service: Service
    tenant: Tenant
    owner: httpx2.AsyncClient
    key: str

    @property
    def place(self) -> tuple[str, str]:
        """The first arguments of many methods."""
        return self.tenant.organization, self.tenant.project

    async def run(self, *calls: tuple[Any, ...], key: str | None = None, **options: Any) -> list[Call]:
        """Call methods of a client one after another."""
        return await self.sdk.run(f"{self.service.url}/api/v1/", key or self.key, *calls, **options)


@pytest.fixture(scope="session")
async def tenant(service: Service) -> AsyncIterator[tuple[Tenant, httpx2.AsyncClient]]:
    """A person with an agent, and their client."""
    async with service.client() as client:
        yield await settle(client, "sdk"), client


@pytest.fixture
async def program(
    sdk: Sdk, service: Service, tenant: tuple[Tenant, httpx2.AsyncClient], provider: FakeProvider
) -> Program:
    """A program with a key that may do everything."""
    settled, client = tenant
    keys = f"/organizations/{settled.organization}/user-api-keys"
    for old in (await client.get(keys)).json()["data"]:
        if old["is_active"]:
            await client.delete(f"{keys}/{old['_id']}")
    made = await client.post(keys, json={"name": "sdk", "scopes": ALL_SCOPES})
    return Program(sdk, service, settled, client, made.json()["data"]["api_key"])


def requests_to(service: Service, route: str) -> int:
    """How many requests of a route the service has logged."""
    return sum(event.get("route") == f"/api/v1{route}" for event in service.events)
