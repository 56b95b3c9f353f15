"""The endpoints of an agent, all at once: ``api-config``."""

from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from tests.agent_tools.support import (
    NODE_CIPHERTEXT,
    NODE_SECRET,
    ok,
    opened,
    settings_of,
    store_settings,
    url,
)

GET_USER = {
    "base_url": "https://api.x.io",
    "path": "/u/{id}",
    "methods": ["GET"],
    "description": "d",
    "authentication": {"type": "api_key", "key_name": "X-K", "key_value": "secret", "location": "header"},
}
SUMMARIZATION = {
    "enabled": True,
    "model": "gpt-4o-mini",
    "max_tokens": 150,
    "min_size": 1000,
    "endpoint_rules": {"get_user": {"max_tokens": 100, "focus": "name"}},
}
PLAIN = {"base_url": "https://api.x.io", "path": "/v1"}


def endpoint(**authentication: Any) -> dict[str, Any]:
    return {**PLAIN, "authentication": authentication}


async def test_the_answers_are_those_of_the_contract_but_for_the_secrets(
    as_member: httpx2.AsyncClient, as_viewer: httpx2.AsyncClient, agent: Agent
) -> None:
    shown = {**GET_USER["authentication"], "key_value": "***"}  # type: ignore[dict-item]

    saved = await ok(
        as_member,
        "POST",
        url(agent, "api-config"),
        endpoints={"get_user": GET_USER},
        authentication={"type": "bearer_token"},
        summarization=SUMMARIZATION,
    )
    read = await ok(as_viewer, "GET", url(agent, "api-config"))

    assert saved == {
        "message": "API configuration updated successfully",
        "endpoints": {"get_user": {**GET_USER, "authentication": shown}},
        "authentication": {"type": "bearer_token"},
        "summarization": SUMMARIZATION,
    }
    assert read == {
        "endpoints": {
            "get_user": {
                **GET_USER,
                "authentication": {
                    "type": "api_key",
                    "key_name": "X-K",
                    "location": "header",
                    "configured": True,
                },
            }
        },
        "authentication": {"type": "bearer_token", "configured": False, "deprecated": True},
        "summarization": SUMMARIZATION,
    }


async def test_without_a_configuration_there_is_an_empty_one(
    as_viewer: httpx2.AsyncClient, agent: Agent
) -> None:
    assert await ok(as_viewer, "GET", url(agent, "api-config")) == {
        "endpoints": {},
        "authentication": {"configured": False, "deprecated": True},
        "summarization": {},
    }


async def test_an_endpoint_without_credentials_shows_null(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await ok(as_member, "POST", url(agent, "api-config"), endpoints={"a": PLAIN})

    read = await ok(as_member, "GET", url(agent, "api-config"))

    assert read["endpoints"] == {"a": {**PLAIN, "authentication": None}}


async def test_endpoints_and_shared_credentials_are_replaced_and_the_summarization_stays(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await ok(
        as_member,
        "POST",
        url(agent, "api-config"),
        endpoints={"a": PLAIN},
        authentication={"type": "bearer_token", "token": "t"},
        summarization=SUMMARIZATION,
    )

    saved = await ok(as_member, "POST", url(agent, "api-config"), summarization={})

    assert (saved["endpoints"], saved["authentication"]) == ({}, {})
    assert await settings_of(agent, "api_caller") == {"summarization": SUMMARIZATION}


async def test_nothing_is_stored_for_nothing(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    saved = await ok(as_member, "POST", url(agent, "api-config"), endpoints=None, authentication=None)

    assert saved.keys() == {"message", "endpoints", "authentication"}
    assert await settings_of(agent, "api_caller") == {}


async def test_credentials_are_stored_in_the_contracts_form_and_encrypted(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    await ok(
        as_member,
        "POST",
        url(agent, "api-config"),
        endpoints={
            "bearer": endpoint(type="bearer_token", token="one", cookie="not of this type"),
            "key": endpoint(type="api_key", key_name="k", key_value="two", location="query"),
            "cookie": endpoint(type="cookie", cookie="three=3", configured=False),
        },
        authentication={"type": "bearer_token", "config": {"token": "four", "X-Extra": "five"}},
    )

    stored = await settings_of(agent, "api_caller")
    own = {name: one["authentication"] for name, one in stored["endpoints"].items()}
    assert own["bearer"].keys() == {"type", "token"}
    assert own["key"].keys() == {"type", "key_name", "key_value", "location"}
    assert own["cookie"].keys() == {"type", "cookie"}
    for name, field, secret in (
        ("bearer", "token", "one"),
        ("key", "key_value", "two"),
        ("cookie", "cookie", "three=3"),
    ):
        path = ("endpoints", name, "authentication", field)
        assert opened(runtime, agent, "api_caller", own[name][field], *path) == secret
    shared = stored["authentication"]["config"]
    for field, secret in (("token", "four"), ("X-Extra", "five")):
        path = ("authentication", "config", field)
        assert opened(runtime, agent, "api_caller", shared[field], *path) == secret


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"endpoints": {"a": {}}}, "Endpoint 'a' must have base_url and path"),
        ({"endpoints": {"a": {"base_url": "https://x.io"}}}, "Endpoint 'a' must have base_url and path"),
        ({"endpoints": {"a": {**PLAIN, "path": ""}}}, "Endpoint 'a' must have base_url and path"),
        ({"endpoints": {"a": {**PLAIN, "methods": "GET"}}}, "Endpoint 'a' methods must be an array"),
        (
            {"endpoints": {"a": {**PLAIN, "methods": ["HEAD"]}}},
            "Endpoint 'a' methods must be among GET, POST, PUT, PATCH, DELETE",
        ),
        (
            {"summarization": {"enabled": "yes"}},
            "Summarization 'enabled' field must be a boolean",
        ),
        (
            {"summarization": {"max_tokens": 9}},
            "Summarization 'max_tokens' must be a number between 10 and 72000",
        ),
        (
            {"summarization": {"max_tokens": 72_001}},
            "Summarization 'max_tokens' must be a number between 10 and 72000",
        ),
        (
            {"summarization": {"max_tokens": True}},
            "Summarization 'max_tokens' must be a number between 10 and 72000",
        ),
        ({"summarization": {"min_size": 99}}, "Summarization 'min_size' must be a number >= 100"),
        ({"summarization": {"model": 4}}, "Summarization 'model' must be a string"),
        ({"summarization": {"focus": []}}, "Summarization 'focus' must be a string"),
        (
            {"summarization": {"endpoint_rules": {"a": {"max_tokens": 1_001}}}},
            "Endpoint rule 'a' max_tokens must be a number between 10 and 1000",
        ),
        (
            {"summarization": {"endpoint_rules": {"a": {"focus": 1}}}},
            "Endpoint rule 'a' focus must be a string",
        ),
    ],
)
async def test_what_is_wrong_is_said_in_the_contracts_words(
    as_member: httpx2.AsyncClient, agent: Agent, body: dict[str, Any], sentence: str
) -> None:
    response = await as_member.post(url(agent, "api-config"), json=body)

    assert (response.status_code, response.json()["error"]) == (400, sentence)
    assert await settings_of(agent, "api_caller") == {}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"endpoints": []}, "endpoints"),
        ({"endpoints": {"a.b": PLAIN}}, "endpoints"),
        ({"endpoints": {"$set": PLAIN}}, "endpoints"),
        ({"endpoints": {"a": endpoint(type="basic")}}, "endpoints.a.authentication.type"),
        (
            {"endpoints": {"a": endpoint(type="bearer_token", token="x\r\nHost: y")}},
            "endpoints.a.authentication.token",
        ),
        (
            {"endpoints": {"a": endpoint(type="api_key", location="body")}},
            "endpoints.a.authentication.location",
        ),
        ({"endpoints": {"a": {**PLAIN, "headers": {"A": "x\ny"}}}}, "endpoints.a.headers.A"),
        ({"endpoints": {"a": {**PLAIN, "headers": {"A B": "x"}}}}, 'endpoints.a.headers["A B"]'),
        ({"authentication": {"type": "basic"}}, "authentication.type"),
        ({"authentication": "Bearer x"}, "authentication"),
        ({"summarization": {"endpoint_rules": []}}, "summarization.endpoint_rules"),
    ],
)
async def test_what_has_the_wrong_shape_is_listed(
    as_member: httpx2.AsyncClient, agent: Agent, body: dict[str, Any], path: str
) -> None:
    response = await as_member.post(url(agent, "api-config"), json=body)

    assert response.status_code == 400
    assert [error["path"] for error in response.json()["errors"]] == [path]


@pytest.mark.parametrize(
    "address",
    [
        {"base_url": "ftp://x.io"},
        {"base_url": "x.io"},
        {"base_url": "https://"},
        {"base_url": "https://user:pass@x.io"},
        {"base_url": "https://x.io?a=1"},
        {"base_url": "https://x.io#a"},
        {"base_url": "https://x.io\n.evil.io"},
        {"path": "v1"},
        {"path": "@evil.io/"},
        {"path": ":8443/"},
        {"path": ".evil.io/"},
        {"path": "//evil.io/"},
        {"path": "https://evil.io/"},
        {"path": "/\\evil.io/"},
        {"path": "\\\\evil.io/"},
        {"path": "/v1\nX: y"},
    ],
)
async def test_an_address_must_lead_to_one_server_whatever_is_filled_in(
    as_member: httpx2.AsyncClient, agent: Agent, address: dict[str, str]
) -> None:
    body = {**PLAIN, **address}

    answers = [
        await as_member.post(url(agent, "api-config"), json={"endpoints": {"a": body}}),
        await as_member.post(url(agent, "api-endpoints/a"), json=body),
    ]
    await ok(as_member, "POST", url(agent, "api-endpoints/b"), 201, **PLAIN)
    answers.append(await as_member.put(url(agent, "api-endpoints/b"), json=address))

    assert [answer.status_code for answer in answers] == [400] * 3
    assert {answer.json()["code"] for answer in answers} == {"INVALID_API_CONFIG"}


async def test_the_web_uis_round_trip_keeps_all_secrets(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    """The dialog loads, edits and posts back the whole of what it understands."""
    await ok(
        as_member,
        "POST",
        url(agent, "api-config"),
        endpoints={
            "get_user": {**GET_USER, "headers": {"X-Api-Key": "h1", "Accept": "text/plain"}},
            "open": PLAIN,
        },
        authentication={"type": "bearer_token", "config": {"token": "shared", "X-More": "more"}},
    )
    before = await settings_of(agent, "api_caller")
    loaded = await ok(as_member, "GET", url(agent, "api-config"))

    posted = {
        "endpoints": {
            **loaded["endpoints"],
            "added": {**PLAIN, "path": "/new", "methods": ["GET"], "headers": {}, "description": ""},
        },
        "authentication": {
            "type": loaded["authentication"].get("type") or "bearer_token",
            "config": loaded["authentication"].get("config") or {},
        },
        "summarization": {"enabled": False, "model": "m", "max_tokens": 150, "endpoint_rules": {}},
    }
    await ok(as_member, "POST", url(agent, "api-config"), **posted)

    after = await settings_of(agent, "api_caller")
    assert loaded["authentication"]["config"] == {"token": "***", "X-More": "***"}
    assert loaded["endpoints"]["get_user"]["headers"] == {"X-Api-Key": "***", "Accept": "text/plain"}
    assert after["endpoints"]["get_user"] == before["endpoints"]["get_user"]
    assert after["authentication"] == before["authentication"]
    assert after["endpoints"].keys() == {"get_user", "open", "added"}


async def test_the_dialog_without_shared_credentials_stores_none(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await ok(
        as_member,
        "POST",
        url(agent, "api-config"),
        endpoints={},
        authentication={"type": "bearer_token", "config": {}},
    )

    read = await ok(as_member, "GET", url(agent, "api-config"))

    assert read["authentication"] == {"type": "bearer_token", "configured": False, "deprecated": True}


@pytest.mark.parametrize(
    ("stored", "config"),
    [
        ({"type": "bearer_token", "token": NODE_CIPHERTEXT}, {"token": "***"}),
        ({"type": "bearer_token", "token": NODE_SECRET}, {"token": "***"}),
        (
            {"type": "api_key", "header": "X-K", "api_key": NODE_SECRET},
            {"key_name": "X-K", "key_value": "***"},
        ),
        ({"type": "cookie", "cookie": NODE_SECRET}, {"cookie": "***"}),
        ({"type": "bearer_token", "config": {"token": NODE_SECRET}}, {"token": "***"}),
    ],
)
async def test_shared_credentials_of_the_node_server_survive_the_round_trip_in_every_form(
    as_member: httpx2.AsyncClient,
    agent: Agent,
    runtime: Runtime,
    stored: dict[str, Any],
    config: dict[str, str],
) -> None:
    await store_settings(agent, "api_caller", {"endpoints": {"a": PLAIN}, "authentication": stored})

    loaded = await ok(as_member, "GET", url(agent, "api-config"))
    shared = {"type": loaded["authentication"]["type"], "config": loaded["authentication"]["config"]}
    await ok(
        as_member, "POST", url(agent, "api-config"), endpoints=loaded["endpoints"], authentication=shared
    )

    after = (await settings_of(agent, "api_caller"))["authentication"]["config"]
    [field] = [name for name, value in config.items() if value == "***"]
    assert loaded["authentication"]["config"] == config
    assert (
        opened(runtime, agent, "api_caller", after[field], "authentication", "config", field) == NODE_SECRET
    )


async def test_shared_credentials_can_be_posted_back_as_they_were_read(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await ok(
        as_member,
        "POST",
        url(agent, "api-config"),
        authentication={"type": "bearer_token", "token": "secret"},
    )
    before = await settings_of(agent, "api_caller")

    await ok(
        as_member,
        "POST",
        url(agent, "api-config"),
        authentication={"type": "bearer_token", "configured": True, "deprecated": True},
    )
    changed = await as_member.post(
        url(agent, "api-config"), json={"authentication": {"type": "cookie", "configured": True}}
    )

    assert await settings_of(agent, "api_caller") == before
    assert (changed.status_code, changed.json()["code"]) == (422, "SECRET_REQUIRED")


async def test_secrets_of_the_node_server_are_encrypted_anew_when_they_are_kept(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    plain = {**GET_USER, "authentication": {**GET_USER["authentication"], "configured": True}}  # type: ignore[dict-item]
    await store_settings(agent, "api_caller", {"endpoints": {"get_user": plain}})

    loaded = await ok(as_member, "GET", url(agent, "api-config"))
    await ok(as_member, "POST", url(agent, "api-config"), endpoints=loaded["endpoints"])

    kept = (await settings_of(agent, "api_caller"))["endpoints"]["get_user"]["authentication"]
    path = ("endpoints", "get_user", "authentication", "key_value")
    assert opened(runtime, agent, "api_caller", kept["key_value"], *path) == "secret"
    assert kept.keys() == {"type", "key_name", "key_value", "location"}


async def test_credentials_that_the_node_server_has_erased_are_not_shown_as_configured(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    erased = {"type": "bearer_token", "configured": True}
    await store_settings(agent, "api_caller", {"endpoints": {"a": {**PLAIN, "authentication": erased}}})

    loaded = await ok(as_member, "GET", url(agent, "api-config"))
    await ok(as_member, "POST", url(agent, "api-config"), endpoints=loaded["endpoints"])

    assert loaded["endpoints"]["a"]["authentication"] == {"type": "bearer_token", "configured": False}


async def test_whatever_is_stored_can_be_read(as_viewer: httpx2.AsyncClient, agent: Agent) -> None:
    await store_settings(
        agent,
        "api_caller",
        {
            "endpoints": {"a": "nonsense", "b": {"base_url": 5, "headers": [], "authentication": "Bearer x"}},
            "authentication": ["nonsense"],
            "summarization": "nonsense",
        },
    )

    read = await as_viewer.get(url(agent, "api-config"))

    assert read.status_code == 200
    assert "Bearer x" not in read.text
