"""The settings of tools that work through a provider: web search, web pages and voice."""

from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.agent_tools.support import ok, opened, settings_of, store_settings, stored_tool, tools, url
from tests.factories import make_agent


async def test_web_search_answers_as_the_contract_says(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    empty = await ok(as_member, "GET", url(agent, "web-search-config"))
    saved = await ok(
        as_member, "POST", url(agent, "web-search-config"), provider="tavily", default_max_results=7
    )

    assert empty["success"] is True
    assert empty["data"] == {"provider": "brave", "default_max_results": 5, "has_api_key": False}
    assert saved == {
        "message": "Web search configuration updated successfully",
        "provider": "tavily",
        "has_api_key": False,
        "default_max_results": 7,
    }


async def test_the_web_ui_finds_the_settings_at_the_top_level(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await ok(as_member, "POST", url(agent, "web-search-config"), api_key="secret")
    await ok(as_member, "POST", url(agent, "webpage-scraper-config"), provider="local", api_key="")

    search = await ok(as_member, "GET", url(agent, "web-search-config"))
    scraper = await ok(as_member, "GET", url(agent, "webpage-scraper-config"))

    values = {"provider": "brave", "default_max_results": 5, "has_api_key": True}
    assert search == {"success": True, "data": values, **values, "enabled": True, "api_key": "***"}
    assert scraper == {
        "success": True,
        "data": {"provider": "local", "has_api_key": False},
        "provider": "local",
        "has_api_key": False,
        "enabled": True,
    }


@pytest.mark.parametrize(
    ("part", "tool", "first", "dialog"),
    [
        ("web-search-config", "web_search", {"provider": "tavily"}, ("provider", "default_max_results")),
        ("webpage-scraper-config", "webpage_scraper", {"provider": "tavily"}, ("provider",)),
    ],
)
async def test_the_dialogs_round_trip_keeps_the_key(
    as_member: httpx2.AsyncClient,
    agent: Agent,
    runtime: Runtime,
    part: str,
    tool: str,
    first: dict[str, Any],
    dialog: tuple[str, ...],
) -> None:
    await ok(as_member, "POST", url(agent, part), **first, api_key="secret")
    loaded = await ok(as_member, "GET", url(agent, part))

    posted = {name: loaded[name] for name in (*dialog, "enabled", "api_key")}
    saved = await ok(as_member, "POST", url(agent, part), **posted)
    again = await ok(as_member, "POST", url(agent, part), provider="tavily")

    stored = await settings_of(agent, tool)
    assert saved["has_api_key"] is again["has_api_key"] is True
    assert opened(runtime, agent, tool, stored["encrypted_api_key"], "encrypted_api_key") == "secret"


async def test_the_switch_of_the_dialog_switches_the_tool(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await ok(as_member, "POST", url(agent, "web-search-config"), api_key="secret", enabled=False)
    off = await stored_tool(agent, "web_search")

    await ok(as_member, "POST", url(agent, "web-search-config"), enabled=True)

    assert off["enabled"] is False
    assert (await stored_tool(agent, "web_search"))["enabled"] is True
    assert "enabled" not in await settings_of(agent, "web_search")


async def test_a_scraper_that_works_locally_for_a_while_keeps_its_key(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    address = url(agent, "webpage-scraper-config")
    await ok(as_member, "POST", address, provider="tavily", api_key="secret")

    local = await ok(as_member, "POST", address, provider="local", api_key="")
    back = await ok(as_member, "POST", address, provider="tavily")

    assert (local["has_api_key"], back["has_api_key"]) == (True, True)


@pytest.mark.parametrize(
    ("part", "body", "path", "sentence"),
    [
        ("web-search-config", {"provider": "local"}, "provider", "Provider must be brave or tavily"),
        ("web-search-config", {"api_key": ""}, "api_key", "API key must be a non-empty string"),
        ("web-search-config", {"api_key": 5}, "api_key", "API key must be a non-empty string"),
        ("web-search-config", {"api_key": "a\nb"}, "api_key", "API key must be a non-empty string"),
        (
            "web-search-config",
            {"default_max_results": 21},
            "default_max_results",
            "Default max results must be between 1 and 20",
        ),
        (
            "web-search-config",
            {"default_max_results": 0},
            "default_max_results",
            "Default max results must be between 1 and 20",
        ),
        ("webpage-scraper-config", {"provider": "brave"}, "provider", "Provider must be local or tavily"),
        ("voice-config", {"provider": "google"}, "provider", "Provider must be openai or elevenlabs"),
        ("voice-config", {"api_key": ""}, "api_key", "API key must be a non-empty string"),
    ],
)
async def test_what_is_wrong_is_said(
    as_member: httpx2.AsyncClient, agent: Agent, part: str, body: dict[str, Any], path: str, sentence: str
) -> None:
    response = await as_member.post(url(agent, part), json=body)

    assert response.status_code == 400
    assert [(error["path"], error["msg"]) for error in response.json()["errors"]] == [(path, sentence)]


async def test_numbers_that_were_stored_as_text_are_understood(
    as_viewer: httpx2.AsyncClient, agent: Agent
) -> None:
    await store_settings(agent, "web_search", {"default_max_results": "7", "provider": "tavily"})

    read = await ok(as_viewer, "GET", url(agent, "web-search-config"))

    assert read["data"]["default_max_results"] == 7


@pytest.mark.parametrize("part", ["web-search-config", "webpage-scraper-config", "google-calendar-config"])
async def test_nonsense_that_is_stored_breaks_nothing(
    as_member: httpx2.AsyncClient, agent: Agent, part: str
) -> None:
    tool = part.removesuffix("-config").replace("-", "_")
    nonsense = {"provider": ["x"], "default_max_results": {}, "calendar_id": 5, "user_email": {}}
    await store_settings(agent, tool, nonsense)

    read = await as_member.get(url(agent, part))
    saved = await as_member.post(url(agent, part), json={"provider": "tavily", "access_token": "t"})

    assert (read.status_code, saved.status_code) == (200, 200)


async def test_voice_answers_as_the_contract_says(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    saved = await ok(as_member, "POST", url(agent, "voice-config"), provider="openai", voice_id="", model="")
    read = await ok(as_member, "GET", url(agent, "voice-config"))

    assert saved == {
        "message": "Voice configuration updated successfully",
        "provider": "openai",
        "voice_id": None,
        "model": None,
        "has_api_key": False,
    }
    assert read == {
        "success": True,
        "data": {
            "provider": "openai",
            "voice_id": None,
            "model": None,
            "has_elevenlabs_api_key": False,
        },
    }


async def test_a_voice_is_set_for_both_tools_each_with_a_secret_of_its_own(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    saved = await ok(
        as_member,
        "POST",
        url(agent, "voice-config"),
        provider="elevenlabs",
        api_key="secret",
        voice_id="v",
        model="m",
    )

    assert (saved["has_api_key"], saved["voice_id"], saved["model"]) == (True, "v", "m")
    for name in ("add_slide", "generate_slide_audio"):
        stored = await settings_of(agent, name)
        key = stored.pop("elevenlabs_api_key")
        assert stored == {"provider": "elevenlabs", "voice_id": "v", "model": "m"}
        assert opened(runtime, agent, name, key, "elevenlabs_api_key") == "secret"


async def test_a_key_of_elevenlabs_is_kept_and_one_of_openai_is_never_stored_for_it(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    address = url(agent, "voice-config")
    ignored = await ok(as_member, "POST", address, provider="openai", api_key="of openai")
    await ok(as_member, "POST", address, api_key="of elevenlabs")

    kept = await ok(as_member, "POST", address, provider="elevenlabs", model="m")

    assert (ignored["has_api_key"], kept["has_api_key"]) == (False, True)


@pytest.mark.parametrize("name", ["add_slide", "generate_slide_audio"])
async def test_one_tool_that_speaks_is_enough(
    as_member: httpx2.AsyncClient, project: Project, runtime: Runtime, name: str
) -> None:
    agent: Agent = await make_agent(project, runtime.keyring, tools=tools("calculator", name))

    await ok(as_member, "POST", url(agent, "voice-config"), voice_id="v")

    assert (await ok(as_member, "GET", url(agent, "voice-config")))["data"]["voice_id"] == "v"


async def test_without_a_tool_that_speaks_there_is_no_voice(
    as_member: httpx2.AsyncClient, bare: Agent
) -> None:
    read = await as_member.get(url(bare, "voice-config"))
    saved = await as_member.post(url(bare, "voice-config"), json={"voice_id": "v"})

    assert [read.status_code, saved.status_code] == [404, 400]
    for answer in (read.json(), saved.json()):
        assert answer["error"] == "No voice tools configured on this agent"
        assert answer["message"] == "Add the add_slide or generate_slide_audio tool first."
