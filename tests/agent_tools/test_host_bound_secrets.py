"""A stored secret goes to the server that it was entered for, and to no other."""

from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from tests.agent_tools.support import ok, settings_of, stored_tool, url

HOME = "https://api.x.io/v1"
ELSEWHERE = ["https://thief.io/v1", "http://api.x.io/v1", "https://api.x.io:8443/v1", "https://x.io"]
AT_HOME = ["https://api.x.io", "https://api.x.io:443/v2", "https://API.X.IO/v1"]
OWN = {"type": "bearer_token", "token": "secret"}
KEPT = [
    {"type": "bearer_token", "configured": True},
    {"type": "bearer_token", "token": "***"},
]


def endpoint(base_url: str = HOME, **fields: Any) -> dict[str, Any]:
    return {"base_url": base_url, "path": "/a", **fields}


@pytest.fixture
async def own(as_member: httpx2.AsyncClient, agent: Agent) -> Agent:
    """An agent whose endpoint has credentials and a secret header of its own."""
    body = endpoint(authentication=OWN, headers={"X-Api-Key": "h"})
    await ok(as_member, "POST", url(agent, "api-config"), endpoints={"a": body})
    return agent


@pytest.fixture
async def shared(as_member: httpx2.AsyncClient, agent: Agent) -> Agent:
    """An agent whose endpoint uses the shared credentials."""
    await ok(
        as_member,
        "POST",
        url(agent, "api-config"),
        endpoints={"a": endpoint()},
        authentication={"type": "bearer_token", "config": {"token": "secret"}},
    )
    return agent


async def assert_refused(
    client: httpx2.AsyncClient, agent: Agent, method: str, part: str, body: dict[str, Any]
) -> None:
    before = await stored_tool(agent, "api_caller")

    response = await client.request(method, url(agent, part), json=body)

    assert (response.status_code, response.json()["code"]) == (422, "SECRET_REQUIRED")
    assert await stored_tool(agent, "api_caller") == before


@pytest.mark.parametrize("base_url", ELSEWHERE)
@pytest.mark.parametrize("kept", KEPT)
async def test_credentials_do_not_follow_an_endpoint_to_another_server(
    as_member: httpx2.AsyncClient, own: Agent, base_url: str, kept: dict[str, Any]
) -> None:
    moved = endpoint(base_url, authentication=kept)

    await assert_refused(as_member, own, "POST", "api-config", {"endpoints": {"a": moved}})
    await assert_refused(as_member, own, "PUT", "api-endpoints/a", moved)
    await assert_refused(as_member, own, "PUT", "api-endpoints/a", {"base_url": base_url})


@pytest.mark.parametrize("base_url", ELSEWHERE)
async def test_nor_do_secret_headers(as_member: httpx2.AsyncClient, own: Agent, base_url: str) -> None:
    moved = endpoint(base_url, headers={"X-Api-Key": "***"})

    await assert_refused(as_member, own, "POST", "api-config", {"endpoints": {"a": moved}})
    await assert_refused(
        as_member, own, "PUT", "api-endpoints/a", {"base_url": base_url, "authentication": None}
    )


@pytest.mark.parametrize("base_url", AT_HOME)
async def test_they_stay_while_the_server_is_the_same(
    as_member: httpx2.AsyncClient, own: Agent, base_url: str
) -> None:
    before = (await settings_of(own, "api_caller"))["endpoints"]["a"]

    for kept in KEPT:
        await ok(
            as_member,
            "POST",
            url(own, "api-config"),
            endpoints={"a": endpoint(base_url, authentication=kept, headers={"X-Api-Key": "***"})},
        )
    await ok(as_member, "PUT", url(own, "api-endpoints/a"), base_url=base_url, path="/other")

    after = (await settings_of(own, "api_caller"))["endpoints"]["a"]
    assert (after["authentication"], after["headers"]) == (before["authentication"], before["headers"])


async def test_they_do_not_follow_to_an_endpoint_of_another_name(
    as_member: httpx2.AsyncClient, own: Agent
) -> None:
    renamed = {"endpoints": {"b": endpoint(authentication=KEPT[0])}}

    await assert_refused(as_member, own, "POST", "api-config", renamed)
    await assert_refused(as_member, own, "POST", "api-endpoints/b", renamed["endpoints"]["b"])


async def test_they_do_not_become_credentials_of_another_kind(
    as_member: httpx2.AsyncClient, own: Agent
) -> None:
    other = {"type": "cookie", "configured": True}

    await assert_refused(as_member, own, "PUT", "api-endpoints/a", {"authentication": other})


async def test_an_endpoint_moves_when_its_secrets_are_entered_again(
    as_member: httpx2.AsyncClient, own: Agent
) -> None:
    moved = endpoint("https://new.io", authentication=OWN, headers={"X-Api-Key": "h"})

    await ok(as_member, "POST", url(own, "api-config"), endpoints={"a": moved})
    await ok(as_member, "PUT", url(own, "api-endpoints/a"), **{**moved, "base_url": "https://newer.io"})


@pytest.mark.parametrize("base_url", ELSEWHERE)
async def test_shared_credentials_are_not_sent_to_a_server_that_was_not_there(
    as_member: httpx2.AsyncClient, shared: Agent, base_url: str
) -> None:
    kept = {"type": "bearer_token", "config": {"token": "***"}}
    also = {"a": endpoint(), "b": endpoint(base_url)}

    await assert_refused(as_member, shared, "POST", "api-config", {"endpoints": also, "authentication": kept})
    await assert_refused(as_member, shared, "POST", "api-endpoints/b", endpoint(base_url))
    await assert_refused(as_member, shared, "PUT", "api-endpoints/a", {"base_url": base_url})


async def test_an_endpoint_elsewhere_that_has_credentials_of_its_own_may_not_give_them_up_for_the_shared(
    as_member: httpx2.AsyncClient, shared: Agent
) -> None:
    elsewhere = endpoint("https://other.io", authentication=OWN)
    await ok(as_member, "POST", url(shared, "api-endpoints/b"), 201, **elsewhere)

    await assert_refused(as_member, shared, "PUT", "api-endpoints/b", {"authentication": None})


async def test_shared_credentials_stay_for_the_servers_that_they_were_entered_for(
    as_member: httpx2.AsyncClient, shared: Agent
) -> None:
    before = (await settings_of(shared, "api_caller"))["authentication"]

    await ok(as_member, "POST", url(shared, "api-endpoints/b"), 201, **endpoint(f"{HOME}/deeper"))
    await ok(
        as_member,
        "POST",
        url(shared, "api-config"),
        endpoints={"a": endpoint(), "c": endpoint("https://other.io", authentication=OWN)},
        authentication={"type": "bearer_token", "config": {"token": "***"}},
    )

    assert (await settings_of(shared, "api_caller"))["authentication"] == before


async def test_a_key_for_one_search_engine_is_not_sent_to_another(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    address = url(agent, "web-search-config")
    await ok(as_member, "POST", address, provider="brave", api_key="secret")

    masked = await as_member.post(address, json={"provider": "tavily", "api_key": "***"})
    moved = await ok(as_member, "POST", address, provider="tavily")

    assert (masked.status_code, masked.json()["code"]) == (422, "SECRET_REQUIRED")
    assert moved["has_api_key"] is False
    assert await settings_of(agent, "web_search") == {"provider": "tavily"}
