"""A secret goes to the host for which it was entered, and to no other (Langfuse CVE-2026-41487)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import AsyncClient

from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.core.egress import EgressRefused, origin_of
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from crafter.providers.documents import Provider
from tests.api_keys.factories import keys_url, make_api_key, provider_named
from tests.execution.test_chat import ASK, url
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider, fake_provider

SECRET = "sk-canary-bound-0123456789"


@pytest.fixture
async def elsewhere() -> AsyncIterator[FakeProvider]:
    """Another vendor, where the secret must not get to."""
    async with fake_provider() as server:
        yield server


@pytest.fixture
async def moving(runtime: Runtime, provider: FakeProvider) -> AsyncIterator[Provider]:
    """A provider of its own, at the fake one's address, to be moved."""
    mine = Provider(name="moving", models=["gpt-4o-mini"], api_base_url=provider.base_url)
    await Provider.collection().insert_one(mine.to_stored())
    yield mine
    await Provider.collection().delete_one({"_id": mine.id})


async def move(moving: Provider, base_url: str) -> None:
    await Provider.collection().update_one({"_id": moving.id}, {"$set": {"api_base_url": base_url}})


async def new_key(client: AsyncClient, project: Project, provider: str, **fields: Any) -> ApiKey:
    created = await client.post(
        keys_url(project), json={"name": "k", "key": SECRET, "provider": provider, **fields}
    )
    assert created.status_code == 201, created.text
    return await api_key_service.get_key(project.scope, created.json()["id"])


async def test_a_secret_is_not_sent_to_where_its_provider_was_moved_until_an_admin_says_so(
    as_operator: AsyncClient,
    as_admin: AsyncClient,
    project: Project,
    runtime: Runtime,
    provider: FakeProvider,
    elsewhere: FakeProvider,
    moving: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = await new_key(as_admin, project, moving.id)
    agent = await make_agent(project, runtime.keyring, key=key)
    await as_operator.put(
        f"/providers/{moving.id}",
        json={"name": "moving", "models": ["gpt-4o-mini"], "api_base_url": elsewhere.base_url},
    )

    refused = await as_admin.post(url(agent), json=ASK)
    assert (refused.status_code, refused.json()["code"]) == (422, "CREDENTIAL_HOST_CHANGED")
    assert elsewhere.accepted == 0

    confirmed = await as_admin.post(keys_url(project, f"{key.id}:rotate"), json={"key": SECRET})
    bound = (await api_key_service.get_key(project.scope, key.id)).bound_host
    assert confirmed.status_code == 200
    assert bound == f"http://127.0.0.1:{elsewhere.port}"


async def test_an_override_in_the_environment_counts_too(
    as_admin: AsyncClient,
    project: Project,
    runtime: Runtime,
    provider: FakeProvider,
    elsewhere: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent = await make_agent(project, runtime.keyring, key=await new_key(as_admin, project, "openai"))
    overridden = {**runtime.settings.provider_base_urls, "openai": elsewhere.base_url}
    monkeypatch.setattr(runtime.settings, "provider_base_urls", overridden)

    refused = await as_admin.post(url(agent), json=ASK)

    assert refused.json()["code"] == "CREDENTIAL_HOST_CHANGED"
    assert elsewhere.accepted == 0


async def test_another_path_at_the_same_host_is_no_other_host(
    as_admin: AsyncClient, project: Project, runtime: Runtime, provider: FakeProvider, moving: Provider
) -> None:
    await move(moving, f"{provider.url}/v0")
    agent = await make_agent(project, runtime.keyring, key=await new_key(as_admin, project, moving.id))
    await move(moving, provider.base_url)

    assert (await as_admin.post(url(agent), json=ASK)).status_code == 200


async def test_a_key_of_the_node_server_is_bound_by_its_first_use(
    as_admin: AsyncClient,
    project: Project,
    runtime: Runtime,
    provider: FakeProvider,
    elsewhere: FakeProvider,
    moving: Provider,
) -> None:
    key = await make_api_key(project, moving.id, key="sk-plain-legacy-0123456789")
    agent = await make_agent(project, runtime.keyring, key=key)

    first = await as_admin.post(url(agent), json=ASK)
    await move(moving, elsewhere.base_url)
    second = await as_admin.post(url(agent), json=ASK)

    assert (first.status_code, second.status_code) == (200, 422)
    assert elsewhere.accepted == 0
    assert (await api_key_service.get_key(project.scope, key.id)).revision == key.revision


async def test_first_uses_at_once_bind_a_key_to_one_host(project: Project) -> None:
    key = await make_api_key(project, (await provider_named("openai")).id)
    hosts = [f"https://{number}.example.com:443" for number in range(20)]

    bound = await asyncio.gather(*(api_key_service.bind_host(key, host) for host in hosts))

    assert len(set(bound)) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://API.example.com/v1", "https://api.example.com:443/v2", True),
        ("https://api.example.com", "https://api.example.com.", True),
        ("https://api.example.com", "http://api.example.com", False),
        ("https://api.example.com", "https://api.example.com:8443", False),
        ("https://api.example.com", "https://api.example.com.evil.net", False),
        ("https://bücher.example", "https://xn--bcher-kva.example", True),
        ("http://[::1]:80", "http://[0:0:0:0:0:0:0:1]/x", True),
    ],
)
def test_hosts_are_the_same_however_they_are_spelled(one: str, other: str, same: bool) -> None:
    assert (origin_of(one) == origin_of(other)) is same


@pytest.mark.parametrize("address", ["", "nonsense", "ftp://a", "https://u:p@a"])
def test_what_is_no_address_has_no_host(address: str) -> None:
    with pytest.raises(EgressRefused):
        origin_of(address)
