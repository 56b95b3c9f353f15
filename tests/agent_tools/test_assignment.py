"""Which tools an agent has."""

import asyncio
from typing import Any

import httpx2
import pytest
from bson import ObjectId

from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from crafter.tools.documents import Tool
from tests.agent_tools.support import ok, opened, settings_of, stored_tool, url
from tests.agents.bodies import agent_url, stored_agent


async def test_a_tool_is_added_with_the_description_of_the_catalogue(
    as_member: httpx2.AsyncClient, bare: Agent
) -> None:
    catalogued = await Tool.collection().find_one({"name": "json_processor"})
    assert catalogued is not None

    answer = await ok(as_member, "POST", url(bare, "tools"), 201, tool_name="json_processor")

    assert answer == {
        "message": "Tool added successfully",
        "tool": {
            "name": "json_processor",
            "description": catalogued["description"],
            "parameters": {},
            "enabled": True,
        },
    }
    stored = await stored_tool(bare, "json_processor")
    assert stored.keys() == {"_id", "name", "description", "enabled"}
    assert (await stored_agent(bare))["version"] == 1


async def test_a_tool_is_added_with_settings_and_switched_off(
    as_member: httpx2.AsyncClient, bare: Agent
) -> None:
    answer = await ok(
        as_member,
        "POST",
        url(bare, "tools"),
        201,
        tool_name="calculator",
        parameters={"precision": 3},
        enabled=False,
    )

    assert (answer["tool"]["parameters"], answer["tool"]["enabled"]) == ({"precision": 3}, False)
    assert await settings_of(bare, "calculator") == {"precision": 3}


async def test_the_tools_of_an_agent_are_listed(as_viewer: httpx2.AsyncClient, agent: Agent) -> None:
    answer = await ok(as_viewer, "GET", url(agent, "tools"))

    assert answer["count"] == 7
    assert [tool["name"] for tool in answer["tools"]][:2] == ["api_caller", "faq"]
    assert answer["tools"][0].keys() == {"_id", "id", "name", "description", "enabled"}
    assert answer["tools"][0]["_id"] == answer["tools"][0]["id"]


async def test_a_tool_is_removed_with_its_settings(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    await ok(as_member, "POST", url(agent, "web-search-config"), api_key="secret")

    answer = await ok(as_member, "DELETE", url(agent, "tools/web_search"))

    assert answer == {"message": "Tool removed successfully", "tool_name": "web_search"}
    await ok(as_member, "POST", url(agent, "tools"), 201, tool_name="web_search")
    assert await settings_of(agent, "web_search") == {}


@pytest.mark.parametrize(
    ("method", "part", "body", "status", "error", "message"),
    [
        (
            "POST",
            "tools",
            {"tool_name": "zz"},
            404,
            "Tool not found",
            "Tool 'zz' is not available. Check available tools list.",
        ),
        (
            "POST",
            "tools",
            {"tool_name": "faq"},
            400,
            "Tool already exists",
            "Tool 'faq' is already configured for this agent.",
        ),
        (
            "DELETE",
            "tools/zz",
            None,
            404,
            "Tool not found",
            "Tool 'zz' is not configured for this agent.",
        ),
    ],
)
async def test_what_cannot_be_done_is_said(
    as_member: httpx2.AsyncClient,
    agent: Agent,
    method: str,
    part: str,
    body: Any,
    status: int,
    error: str,
    message: str,
) -> None:
    response = await as_member.request(method, url(agent, part), json=body)

    answer = response.json()
    assert (response.status_code, answer["error"], answer["message"]) == (status, error, message)


async def test_an_inactive_tool_cannot_be_added(as_member: httpx2.AsyncClient, bare: Agent) -> None:
    await Tool.collection().update_one({"name": "faq"}, {"$set": {"is_active": False}})
    try:
        response = await as_member.post(url(bare, "tools"), json={"tool_name": "faq"})
    finally:
        await Tool.collection().update_one({"name": "faq"}, {"$set": {"is_active": True}})

    assert response.status_code == 404


@pytest.mark.parametrize(
    ("body", "path", "sentence"),
    [
        ({}, "tool_name", "Invalid value: is required"),
        ({"tool_name": ""}, "tool_name", "Tool name is required and must be a string"),
        ({"tool_name": 5}, "tool_name", "Tool name is required and must be a string"),
        ({"tool_name": "faq", "parameters": []}, "parameters", "Invalid value: must be an object"),
        ({"tool_name": "faq", "enabled": "maybe"}, "enabled", "Enabled must be a boolean"),
        (
            {"tool_name": "faq", "parameters": {"a": {"$where": 1}}},
            "parameters",
            "The key at /a/$where is empty, begins with $ or contains a dot.",
        ),
    ],
)
async def test_an_unusable_body_is_refused(
    as_member: httpx2.AsyncClient, bare: Agent, body: dict[str, Any], path: str, sentence: str
) -> None:
    response = await as_member.post(url(bare, "tools"), json=body)

    assert response.status_code == 400
    assert [(error["path"], error["msg"]) for error in response.json()["errors"]] == [(path, sentence)]


async def test_secrets_among_free_settings_are_encrypted_and_masked(
    as_member: httpx2.AsyncClient, bare: Agent, runtime: Runtime
) -> None:
    parameters = {
        "endpoints": {"a": {"authentication": {"type": "x", "deep": {"list": ["one", "two"]}}}},
        "headers": {"Accept": "text/plain", "X-Api-Key": "three"},
        "apiKey": "four",
        "flag": True,
    }

    answer = await ok(
        as_member, "POST", url(bare, "tools"), 201, tool_name="api_caller", parameters=parameters
    )

    stored = await settings_of(bare, "api_caller")
    deep = stored["endpoints"]["a"]["authentication"]["deep"]["list"]
    path = ("endpoints", "a", "authentication", "deep", "list", "[]")
    assert [opened(runtime, bare, "api_caller", one, *path) for one in deep] == ["one", "two"]
    assert (
        opened(runtime, bare, "api_caller", stored["headers"]["X-Api-Key"], "headers", "X-Api-Key") == "three"
    )
    assert opened(runtime, bare, "api_caller", stored["apiKey"], "apiKey") == "four"
    assert stored["headers"]["Accept"] == "text/plain"
    assert answer["tool"]["parameters"] == {
        "endpoints": {"a": {"authentication": {"type": "x", "deep": "***"}}},
        "headers": {"Accept": "text/plain", "X-Api-Key": "***"},
        "apiKey": "***",
        "flag": True,
    }


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"api_key": "***"}, 422, "SECRET_REQUIRED"),
        ({"api_key": 12345}, 400, "SECRET_NOT_TEXT"),
        ({"authentication": {"pin": 1.5}}, 400, "SECRET_NOT_TEXT"),
        ({"notes": ["x" * 20_000] * 27}, 413, "TOOL_SETTINGS_TOO_LARGE"),
    ],
)
async def test_settings_that_cannot_be_stored_safely_are_refused(
    as_member: httpx2.AsyncClient, bare: Agent, parameters: dict[str, Any], status: int, code: str
) -> None:
    response = await as_member.post(
        url(bare, "tools"), json={"tool_name": "calculator", "parameters": parameters}
    )

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert (await stored_agent(bare))["tools"] == []


async def test_of_twenty_who_add_the_same_tool_one_succeeds(
    as_member: httpx2.AsyncClient, bare: Agent
) -> None:
    answers = await asyncio.gather(
        *(as_member.post(url(bare, "tools"), json={"tool_name": "faq"}) for _ in range(20))
    )

    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 19
    assert len((await stored_agent(bare))["tools"]) == 1


async def test_tools_that_are_added_at_the_same_time_are_all_there(
    as_member: httpx2.AsyncClient, bare: Agent
) -> None:
    names = [tool["name"] for tool in (await as_member.get("/tools")).json()]

    answers = await asyncio.gather(
        *(as_member.post(url(bare, "tools"), json={"tool_name": name}) for name in names)
    )

    assert {answer.status_code for answer in answers} == {201}
    assert {tool["name"] for tool in (await stored_agent(bare))["tools"]} == set(names)


async def test_an_agent_has_a_limited_number_of_tools(as_member: httpx2.AsyncClient, bare: Agent) -> None:
    many = [{"_id": ObjectId(), "name": f"t{n}", "description": "d", "enabled": True} for n in range(64)]
    await Agent.within(bare.scope).update_one({"_id": bare.id}, {"$set": {"tools": many}})

    response = await as_member.post(url(bare, "tools"), json={"tool_name": "faq"})

    assert (response.status_code, response.json()["code"]) == (422, "TOO_MANY_TOOLS")


async def test_an_agent_keeps_the_settings_of_the_tools_that_it_keeps(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    await ok(as_member, "POST", url(agent, "web-search-config"), api_key="secret")

    await ok(as_member, "PUT", agent_url(agent), tools=["web_search", "calculator"])

    stored = await settings_of(agent, "web_search")
    assert opened(runtime, agent, "web_search", stored["encrypted_api_key"], "encrypted_api_key") == "secret"
