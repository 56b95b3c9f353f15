"""What whoever runs a tool is given: all settings, their secrets in plain text."""

from typing import Any

import httpx2
import pytest

from crafter.agent_tools.errors import ToolSettingsNotFound
from crafter.agent_tools.service import tool_settings
from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from crafter.core.secrets import SecretUnreadable
from tests.agent_tools.support import NODE_CIPHERTEXT, NODE_SECRET, loaded, ok, store_settings, url

ADDRESS = {"base_url": "https://api.x.io", "path": "/v1"}
BEARER = {"type": "bearer_token", "token": "secret"}


@pytest.mark.parametrize(
    ("name", "defaults"),
    [
        ("web_search", {"provider": "brave", "default_max_results": 5}),
        ("webpage_scraper", {"provider": "local"}),
        ("google_calendar", {"calendar_id": "primary", "timezone": "UTC"}),
        ("add_slide", {"provider": "openai", "voice_id": None, "model": None}),
        ("faq", {"faqs": [], "enable_partial_matching": True, "default_threshold": 0.7}),
        ("api_caller", {"endpoints": {}, "summarization": {}}),
    ],
)
async def test_without_settings_there_are_the_defaults(
    agent: Agent, runtime: Runtime, name: str, defaults: dict[str, Any]
) -> None:
    assert tool_settings(agent, name, runtime.keyring) == defaults


async def test_secrets_are_opened_and_lose_the_mark_of_encryption(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    await ok(as_member, "POST", url(agent, "web-search-config"), api_key="one")
    await ok(as_member, "POST", url(agent, "google-calendar-config"), access_token="two", refresh_token="3")
    await ok(as_member, "POST", url(agent, "voice-config"), provider="elevenlabs", api_key="four")
    now = await loaded(agent)

    search = tool_settings(now, "web_search", runtime.keyring)
    calendar = tool_settings(now, "google_calendar", runtime.keyring)

    assert search == {"provider": "brave", "default_max_results": 5, "api_key": "one"}
    assert (calendar["access_token"], calendar["refresh_token"]) == ("two", "3")
    for name in ("add_slide", "generate_slide_audio"):
        assert tool_settings(now, name, runtime.keyring)["elevenlabs_api_key"] == "four"


async def test_an_endpoint_has_all_its_fields_and_its_own_or_the_shared_credentials(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    await ok(
        as_member,
        "POST",
        url(agent, "api-config"),
        endpoints={
            "own": {**ADDRESS, "authentication": BEARER, "headers": {"X-Api-Key": "h"}},
            "open": ADDRESS,
        },
        authentication={"type": "api_key", "config": {"key_name": "X-K", "key_value": "shared"}},
    )

    settings = tool_settings(await loaded(agent), "api_caller", runtime.keyring)

    defaults = {"methods": ["GET"], "description": ""}
    assert settings["endpoints"] == {
        "own": {**ADDRESS, **defaults, "headers": {"X-Api-Key": "h"}, "authentication": BEARER},
        "open": {
            **ADDRESS,
            **defaults,
            "headers": {},
            "authentication": {
                "type": "api_key",
                "key_name": "X-K",
                "key_value": "shared",
                "location": "header",
            },
        },
    }


@pytest.mark.parametrize("stored", [NODE_CIPHERTEXT, NODE_SECRET])
@pytest.mark.parametrize(
    ("shared", "credentials"),
    [
        ({"type": "bearer_token", "token": ...}, {"type": "bearer_token", "token": NODE_SECRET}),
        (
            {"type": "api_key", "header": "X-H", "api_key": ...},
            {"type": "api_key", "key_name": "X-H", "key_value": NODE_SECRET, "location": "header"},
        ),
        (
            {"type": "api_key", "api_key": ...},
            {"type": "api_key", "key_name": "X-API-Key", "key_value": NODE_SECRET, "location": "header"},
        ),
        ({"type": "cookie", "config": {"cookie": ...}}, {"type": "cookie", "cookie": NODE_SECRET}),
        ({"type": "cookie", "token": ...}, None),
        ({"token": ...}, None),
        ({}, None),
    ],
)
async def test_what_the_node_server_stored_is_read_encrypted_or_plain(
    agent: Agent,
    runtime: Runtime,
    stored: str,
    shared: dict[str, Any],
    credentials: dict[str, str] | None,
) -> None:
    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fill(inner) for key, inner in value.items()}
        return stored if value is ... else value

    await store_settings(
        agent,
        "api_caller",
        {
            "endpoints": {"a": ADDRESS, "b": {**ADDRESS, "authentication": fill({**BEARER, "token": ...})}},
            "authentication": fill(shared),
        },
    )

    endpoints = tool_settings(await loaded(agent), "api_caller", runtime.keyring)["endpoints"]

    assert endpoints["a"]["authentication"] == credentials
    assert endpoints["b"]["authentication"] == {"type": "bearer_token", "token": NODE_SECRET}


async def test_a_secret_that_was_moved_from_another_place_does_not_open(
    as_member: httpx2.AsyncClient, agent: Agent, bare: Agent, runtime: Runtime
) -> None:
    await ok(as_member, "POST", url(agent, "web-search-config"), api_key="secret")
    web_search = next(tool for tool in (await loaded(agent)).tools if tool.name == "web_search")
    assert web_search.parameters is not None
    stolen = web_search.parameters["encrypted_api_key"]
    await store_settings(agent, "webpage_scraper", {"encrypted_api_key": stolen})
    await ok(as_member, "POST", url(bare, "tools"), 201, tool_name="web_search", parameters={"a": 1})
    await store_settings(bare, "web_search", {"encrypted_api_key": stolen})

    for thief, tool in ((agent, "webpage_scraper"), (bare, "web_search")):
        with pytest.raises(SecretUnreadable):
            tool_settings(await loaded(thief), tool, runtime.keyring)


async def test_an_unreadable_secret_can_be_entered_again(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    unreadable = "crafter:1:A256GCM:00000000:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    broken = {**ADDRESS, "authentication": {**BEARER, "token": unreadable}}
    await store_settings(agent, "api_caller", {"endpoints": {"a": broken}})

    await ok(as_member, "PUT", url(agent, "api-endpoints/a"), authentication=BEARER)

    settings = tool_settings(await loaded(agent), "api_caller", runtime.keyring)
    assert settings["endpoints"]["a"]["authentication"] == BEARER


def test_a_tool_that_the_agent_does_not_have_has_no_settings(bare: Agent, runtime: Runtime) -> None:
    with pytest.raises(ToolSettingsNotFound):
        tool_settings(bare, "web_search", runtime.keyring)


async def test_settings_of_other_tools_are_handed_out_as_they_are(
    as_member: httpx2.AsyncClient, bare: Agent, runtime: Runtime
) -> None:
    parameters = {"precision": 3, "password": "secret", "list": [{"token": "t"}]}
    await ok(as_member, "POST", url(bare, "tools"), 201, tool_name="calculator", parameters=parameters)

    assert tool_settings(await loaded(bare), "calculator", runtime.keyring) == parameters


async def test_nonsense_that_is_stored_breaks_nothing(agent: Agent, runtime: Runtime) -> None:
    nonsense = {"endpoints": ["x"], "authentication": "Bearer x", "summarization": 5}
    await store_settings(agent, "api_caller", nonsense)

    settings = tool_settings(await loaded(agent), "api_caller", runtime.keyring)

    assert (settings["endpoints"], settings["summarization"]) == ({}, {})
