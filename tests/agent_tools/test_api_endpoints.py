"""The endpoints of an agent, one by one: ``api-endpoints``."""

import asyncio
from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from tests.agent_tools.support import ok, opened, settings_of, store_settings, url

CREATE_USER = {
    "base_url": "https://api.x.io",
    "path": "/users",
    "methods": ["POST"],
    "description": "makes a user",
    "authentication": {"type": "bearer_token", "token": "secret"},
}
TOKEN = ("endpoints", "create_user", "authentication", "token")


@pytest.fixture
async def endpoint(as_member: httpx2.AsyncClient, agent: Agent) -> str:
    """The address of a stored endpoint."""
    address = url(agent, "api-endpoints/create_user")
    await ok(as_member, "POST", address, 201, **CREATE_USER)
    return address


async def token_of(agent: Agent, runtime: Runtime) -> str:
    stored = await settings_of(agent, "api_caller")
    value = stored["endpoints"]["create_user"]["authentication"]["token"]
    return opened(runtime, agent, "api_caller", value, *TOKEN)


async def test_an_endpoint_is_added_shown_and_deleted(
    as_member: httpx2.AsyncClient, as_viewer: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    address = url(agent, "api-endpoints/create_user")

    added = await ok(as_member, "POST", address, 201, **CREATE_USER)
    token = await token_of(agent, runtime)
    shown = await ok(as_viewer, "GET", address)
    deleted = await ok(as_member, "DELETE", address)

    assert added == {
        "message": "API endpoint added successfully",
        "endpoint_name": "create_user",
        "endpoint": {**CREATE_USER, "authentication": {"type": "bearer_token", "token": "***"}},
    }
    assert token == "secret"
    assert shown == {
        "endpoint_name": "create_user",
        "endpoint": {**CREATE_USER, "authentication": {"type": "bearer_token", "configured": True}},
    }
    assert deleted == {
        "message": "API endpoint deleted successfully",
        "endpoint_name": "create_user",
    }
    assert await settings_of(agent, "api_caller") == {}


async def test_what_is_left_out_has_its_default(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    address = url(agent, "api-endpoints/a")

    added = await ok(as_member, "POST", address, 201, base_url="https://x.io", path="/")

    defaults = {"methods": ["GET"], "description": "", "authentication": None}
    assert added["endpoint"] == {"base_url": "https://x.io", "path": "/", **defaults}
    assert (await settings_of(agent, "api_caller"))["endpoints"]["a"] == added["endpoint"]


async def test_a_change_keeps_what_it_does_not_name(
    as_member: httpx2.AsyncClient, agent: Agent, endpoint: str, runtime: Runtime
) -> None:
    updated = await ok(as_member, "PUT", endpoint, path="/people", methods=["PUT", "PATCH"])

    assert updated["message"] == "API endpoint updated successfully"
    assert updated["endpoint"] == {
        **CREATE_USER,
        "path": "/people",
        "methods": ["PUT", "PATCH"],
        "authentication": {"type": "bearer_token", "token": "***"},
    }
    assert await token_of(agent, runtime) == "secret"


@pytest.mark.parametrize(
    "kept",
    [
        {"type": "bearer_token", "token": "***"},
        {"type": "bearer_token", "configured": True},
        {"type": "bearer_token", "token": "", "configured": True},
    ],
)
async def test_a_secret_that_is_not_sent_is_kept(
    as_member: httpx2.AsyncClient, agent: Agent, endpoint: str, runtime: Runtime, kept: dict[str, Any]
) -> None:
    await ok(as_member, "PUT", endpoint, authentication=kept)

    assert await token_of(agent, runtime) == "secret"


async def test_credentials_can_be_replaced_and_removed(
    as_member: httpx2.AsyncClient, agent: Agent, endpoint: str
) -> None:
    replaced = await ok(
        as_member,
        "PUT",
        endpoint,
        authentication={
            "type": "api_key",
            "key_name": "api.key",
            "key_value": "v",
            "location": "query",
        },
    )
    removed = await ok(as_member, "PUT", endpoint, authentication=None)

    assert replaced["endpoint"]["authentication"] == {
        "type": "api_key",
        "key_name": "api.key",
        "key_value": "***",
        "location": "query",
    }
    assert removed["endpoint"]["authentication"] is None
    stored = await settings_of(agent, "api_caller")
    assert stored["endpoints"]["create_user"]["authentication"] is None


@pytest.mark.parametrize(
    ("authentication", "sentence"),
    [
        ({"type": "bearer_token"}, "Bearer token is required for bearer_token authentication"),
        (
            {"type": "bearer_token", "token": ""},
            "Bearer token is required for bearer_token authentication",
        ),
        (
            {"type": "api_key", "key_value": "x", "location": "header"},
            "key_name and key_value are required for api_key authentication",
        ),
        (
            {"type": "api_key", "key_name": "x", "location": "header"},
            "key_name and key_value are required for api_key authentication",
        ),
        (
            {"type": "api_key", "key_name": "x", "key_value": "y"},
            'location must be either "header" or "query" for api_key authentication',
        ),
        ({"type": "cookie"}, "Cookie value is required for cookie authentication"),
    ],
)
async def test_credentials_must_be_complete(
    as_member: httpx2.AsyncClient,
    agent: Agent,
    endpoint: str,
    authentication: dict[str, Any],
    sentence: str,
) -> None:
    body = {**CREATE_USER, "authentication": authentication}

    answers = [
        await as_member.post(url(agent, "api-endpoints/other"), json=body),
        await as_member.put(endpoint, json={"authentication": authentication}),
    ]

    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [(400, sentence)] * 2


async def test_what_is_not_there_and_what_is_there_already(
    as_member: httpx2.AsyncClient, agent: Agent, endpoint: str
) -> None:
    missing = url(agent, "api-endpoints/x")

    answers = {
        "get": await as_member.get(missing),
        "put": await as_member.put(missing, json={"path": "/"}),
        "delete": await as_member.delete(missing),
        "post": await as_member.post(endpoint, json=CREATE_USER),
        "empty": await as_member.post(missing, json={}),
        "half": await as_member.post(missing, json={"base_url": "https://x.io"}),
        "emptied": await as_member.put(endpoint, json={"path": ""}),
    }

    said = {name: (answer.status_code, answer.json()["error"]) for name, answer in answers.items()}
    assert said == {
        **dict.fromkeys(("get", "put", "delete"), (404, "Endpoint 'x' not found")),
        "post": (400, "Endpoint 'create_user' already exists. Use PUT to update it."),
        **dict.fromkeys(("empty", "half", "emptied"), (400, "base_url and path are required")),
    }


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"methods": "GET"}, "methods"),
        ({"methods": ["TRACE"]}, "methods[0]"),
        ({"description": 5}, "description"),
        ({"authentication": "x"}, "authentication"),
        ({"authentication": {"type": "basic"}}, "authentication.type"),
    ],
)
async def test_an_unusable_body_is_refused(
    as_member: httpx2.AsyncClient, endpoint: str, body: dict[str, Any], path: str
) -> None:
    response = await as_member.put(endpoint, json=body)

    assert response.status_code == 400
    assert [error["path"] for error in response.json()["errors"]] == [path]


@pytest.mark.parametrize("name", ["a.b", "$set", "x" * 101])
async def test_a_name_must_be_one_that_can_be_stored(
    as_member: httpx2.AsyncClient, agent: Agent, name: str
) -> None:
    response = await as_member.post(url(agent, f"api-endpoints/{name}"), json=CREATE_USER)

    assert response.status_code == 400
    assert response.json()["errors"][0]["location"] == "params"


async def test_an_endpoint_of_the_node_server_with_a_dot_in_its_name_can_be_used(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await store_settings(agent, "api_caller", {"endpoints": {"v1.users": CREATE_USER, "b": CREATE_USER}})
    address = url(agent, "api-endpoints/v1.users")

    await ok(as_member, "PUT", address, path="/people")
    shown = await ok(as_member, "GET", address)
    await ok(as_member, "DELETE", address)

    assert shown["endpoint"]["path"] == "/people"
    assert (await settings_of(agent, "api_caller"))["endpoints"].keys() == {"b"}


async def test_of_twenty_who_add_the_same_endpoint_one_succeeds(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    answers = await asyncio.gather(
        *(as_member.post(url(agent, "api-endpoints/a"), json=CREATE_USER) for _ in range(20))
    )

    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 19


async def test_endpoints_that_are_added_at_the_same_time_are_all_there(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    names = [f"e{n}" for n in range(15)]

    answers = await asyncio.gather(
        *(as_member.post(url(agent, f"api-endpoints/{name}"), json=CREATE_USER) for name in names)
    )

    assert {answer.status_code for answer in answers} == {201}
    assert (await settings_of(agent, "api_caller"))["endpoints"].keys() == set(names)
