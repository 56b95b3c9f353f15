"""What the settings of all tools have in common."""

from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.core.ids import new_id
from tests.agent_tools.support import ok, settings_of, store_settings, url
from tests.agents.bodies import stored_agent

ENDPOINT = {"base_url": "https://api.example.com", "path": "/v1"}
SAVES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("POST", "api-config", "api_caller", {"endpoints": {"a": ENDPOINT}}),
    ("POST", "api-endpoints/a", "api_caller", ENDPOINT),
    ("POST", "faq-config", "faq", {"faqs": []}),
    ("POST", "web-search-config", "web_search", {"provider": "tavily"}),
    ("POST", "webpage-scraper-config", "webpage_scraper", {"provider": "local"}),
    ("POST", "google-calendar-config", "google_calendar", {"access_token": "t"}),
]
PARTS = [
    "tools",
    "api-config",
    "faq-config",
    "web-search-config",
    "webpage-scraper-config",
    "google-calendar-config",
    "voice-config",
    "question-suggestions",
    "hooks",
]

each_save = pytest.mark.parametrize(
    ("method", "part", "tool", "body"), SAVES, ids=[part for _, part, _, _ in SAVES]
)


@each_save
async def test_settings_of_a_tool_that_the_agent_does_not_have_cannot_be_changed(
    as_member: httpx2.AsyncClient, bare: Agent, method: str, part: str, tool: str, body: dict[str, Any]
) -> None:
    response = await as_member.request(method, url(bare, part), json=body)

    assert response.status_code == 400
    assert response.json()["error"] == f"Agent does not have {tool} tool configured"


@pytest.mark.parametrize(("part", "tool"), [(part, tool) for _, part, tool, _ in SAVES])
async def test_nor_are_there_any_to_read(
    as_viewer: httpx2.AsyncClient, bare: Agent, part: str, tool: str
) -> None:
    response = await as_viewer.get(url(bare, part))

    assert response.status_code == 404
    assert response.json()["error"] == f"Agent does not have {tool} tool configured"


@pytest.mark.parametrize("part", PARTS)
async def test_an_agent_that_is_not_there_has_no_settings(
    as_viewer: httpx2.AsyncClient, bare: Agent, part: str
) -> None:
    nobody = bare.model_copy(update={"id": new_id()})

    response = await as_viewer.get(url(nobody, part))

    assert (response.status_code, response.json()["error"]) == (404, "Agent not found")


@each_save
async def test_a_change_from_an_older_revision_is_refused(
    as_member: httpx2.AsyncClient, agent: Agent, method: str, part: str, tool: str, body: dict[str, Any]
) -> None:
    await ok(as_member, "POST", url(agent, "web-search-config"), default_max_results=3)

    stale = await as_member.request(method, url(agent, part), json=body, headers={"If-Match": '"0"'})
    fresh = await as_member.request(method, url(agent, part), json=body, headers={"If-Match": '"1"'})

    assert stale.status_code == 412
    assert fresh.is_success
    assert fresh.headers["etag"] == '"2"'


async def test_what_is_read_carries_the_revision_of_the_agent(
    as_viewer: httpx2.AsyncClient, as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await ok(as_member, "POST", url(agent, "faq-config"), faqs=[])

    tags = {(await as_viewer.get(url(agent, part))).headers["etag"] for part in PARTS}

    assert tags == {'"1"'}


@each_save
async def test_settings_do_not_raise_the_version_of_the_agent(
    as_member: httpx2.AsyncClient, agent: Agent, method: str, part: str, tool: str, body: dict[str, Any]
) -> None:
    response = await as_member.request(method, url(agent, part), json=body)

    assert response.is_success
    assert (await stored_agent(agent))["version"] == 1


async def test_settings_of_one_tool_leave_those_of_the_others_alone(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await ok(as_member, "POST", url(agent, "web-search-config"), default_max_results=3)
    await ok(as_member, "POST", url(agent, "webpage-scraper-config"), provider="tavily")

    assert await settings_of(agent, "web_search") == {"default_max_results": 3}
    assert await settings_of(agent, "webpage_scraper") == {"provider": "tavily"}


async def test_settings_that_we_do_not_know_survive_a_change(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await store_settings(agent, "web_search", {"search_depth": "deep", "limits": {"a.b": 1}})

    await ok(as_member, "POST", url(agent, "web-search-config"), default_max_results=3)

    assert await settings_of(agent, "web_search") == {
        "search_depth": "deep",
        "limits": {"a.b": 1},
        "default_max_results": 3,
    }


async def test_a_broken_tool_beside_it_does_not_keep_a_tool_from_being_set(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await Agent.within(agent.scope).update_one(
        {"_id": agent.id}, {"$push": {"tools": {"$each": [{"name": 5}, "nonsense"], "$position": 0}}}
    )

    await ok(as_member, "POST", url(agent, "web-search-config"), default_max_results=3)

    assert await settings_of_last(agent) == {"default_max_results": 3}


async def settings_of_last(agent: Agent) -> Any:
    raw = await stored_agent(agent)
    return next(tool for tool in raw["tools"] if isinstance(tool, dict) and tool["name"] == "web_search")[
        "parameters"
    ]


async def test_settings_have_a_limit(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    faqs = [{"question": "q", "answer": "x" * 20_000}] * 27

    response = await as_member.post(url(agent, "faq-config"), json={"faqs": faqs})

    assert (response.status_code, response.json()["code"]) == (413, "TOOL_SETTINGS_TOO_LARGE")
    assert await settings_of(agent, "faq") == {}
