"""``/tools``: everybody with an account reads the catalogue, nobody changes it."""

import pytest
from httpx2 import AsyncClient

from crafter.tools import service as tool_service
from crafter.tools.catalogue import SYSTEM_TOOLS
from crafter.tools.documents import Tool

CATEGORIES = ["communication", "computation", "data", "knowledge", "llm", "utility", "web"]
NO_USE = {"total_calls": 0, "success_calls": 0, "failed_calls": 0, "avg_execution_time_ms": 0}


async def switch_off(*names: str) -> None:
    await Tool.collection().update_many({"name": {"$in": names}}, {"$set": {"is_active": False}})


async def test_the_list_is_sorted_by_name_and_has_the_fields_of_the_contract(as_viewer: AsyncClient) -> None:
    response = await as_viewer.get("/tools")

    assert response.status_code == 200
    tools = response.json()
    assert [tool["name"] for tool in tools] == sorted(tool.name for tool in SYSTEM_TOOLS)
    assert set(tools[0]) == {
        "_id",
        "name",
        "display_name",
        "description",
        "category",
        "parameters_schema",
        "usage_stats",
        "version",
    }
    assert tools[0]["usage_stats"] == NO_USE


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"category": "knowledge"}, ["faq", "rag_search"]),
        ({"category": "unknown"}, []),
        ({"search": "RAG SEA"}, ["rag_search"]),
        ({"search": "calc"}, ["calculator"]),
        ({"search": "mental arithmetic"}, ["calculator"]),
        ({"category": "web", "search": "search"}, ["web_search", "webpage_scraper"]),
        ({"search": ".*"}, []),
        ({"search": "^faq$"}, []),
        ({"search": "("}, ["calculator", "current_time"]),
        ({"search": "[a-z"}, []),
        ({"search": "\\"}, []),
        ({"search": "+ - * /"}, ["calculator"]),
        ({"search": "é\U0001f600"}, []),
    ],
)
async def test_tools_are_filtered_by_category_and_by_text_taken_literally(
    as_viewer: AsyncClient, query: dict[str, str], names: list[str]
) -> None:
    response = await as_viewer.get("/tools", params=query)

    assert response.status_code == 200
    assert [tool["name"] for tool in response.json()] == names


async def test_empty_filters_are_none(as_viewer: AsyncClient) -> None:
    response = await as_viewer.get("/tools", params={"category": "", "search": ""})

    assert len(response.json()) == 16


@pytest.mark.parametrize("query", [{"search": "a\0b"}, {"search": "s" * 201}, {"category": "c" * 65}])
async def test_unusable_filters_are_refused(as_viewer: AsyncClient, query: dict[str, str]) -> None:
    response = await as_viewer.get("/tools", params=query)

    assert response.status_code == 400
    assert [(e["path"], e["location"]) for e in response.json()["errors"]] == [(next(iter(query)), "query")]


async def test_categories_are_those_with_active_tools(as_viewer: AsyncClient) -> None:
    assert (await as_viewer.get("/tools/categories")).json() == CATEGORIES

    await switch_off("web_search", "webpage_scraper")

    assert (await as_viewer.get("/tools/categories")).json() == CATEGORIES[:-1]


async def test_one_tool_is_answered_whole(as_viewer: AsyncClient) -> None:
    response = await as_viewer.get("/tools/calculator")

    assert response.status_code == 200
    tool = response.json()
    assert tool["implementation"] == {"type": "internal", "handler": "calculatorHandler"}
    assert tool["return_schema"]["properties"].keys() == {"expression", "result", "type"}
    assert (tool["is_system_tool"], tool["is_active"], tool["__v"]) == (True, True, 0)
    assert tool["createdAt"].endswith("Z")


async def test_statistics_are_those_that_are_stored(as_viewer: AsyncClient) -> None:
    usage = {"total_calls": 4, "success_calls": 4, "failed_calls": 0, "avg_execution_time_ms": 3.25}
    await Tool.collection().update_one({"name": "calculator"}, {"$set": {"usage_stats": usage}})

    response = await as_viewer.get("/tools/calculator/stats")

    assert response.json() == {"tool_name": "calculator", "usage_stats": usage}


@pytest.mark.parametrize("path", ["/tools/nothing", "/tools/nothing/stats", "/tools/faq", "/tools/faq/stats"])
async def test_unknown_and_inactive_tools_are_not_found(as_viewer: AsyncClient, path: str) -> None:
    await switch_off("faq")

    response = await as_viewer.get(path)

    assert (response.status_code, response.json()["error"]) == (404, "Tool not found")


async def test_an_inactive_tool_is_in_no_list(as_viewer: AsyncClient) -> None:
    await switch_off("faq")

    assert "faq" not in {tool["name"] for tool in (await as_viewer.get("/tools")).json()}
    assert "faq" not in {tool["name"] for tool in await tool_service.list_names()}
    assert set(await tool_service.find_active(["faq", "calculator", "nothing"])) == {"calculator"}


@pytest.mark.parametrize(
    ("method", "sentence"),
    [("PUT", "Cannot update system tools"), ("DELETE", "Cannot delete system tools")],
)
async def test_system_tools_cannot_be_changed(
    as_admin: AsyncClient, as_operator: AsyncClient, method: str, sentence: str
) -> None:
    for client in (as_admin, as_operator):
        refused = await client.request(method, "/tools/faq", json={"description": "x"})
        unknown = await client.request(method, "/tools/nothing", json={"description": "x"})

        assert (refused.status_code, refused.json()["error"]) == (403, sentence)
        assert (unknown.status_code, unknown.json()["error"]) == (404, "Tool not found")
    assert set(await tool_service.find_active(["faq"])) == {"faq"}


async def test_no_tool_can_be_created(as_operator: AsyncClient) -> None:
    assert (await as_operator.post("/tools", json={"name": "mine"})).status_code == 405


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tools"),
        ("GET", "/tools/categories"),
        ("GET", "/tools/faq"),
        ("GET", "/tools/faq/stats"),
        ("PUT", "/tools/faq"),
        ("DELETE", "/tools/faq"),
    ],
)
async def test_tools_take_an_account(as_nobody: AsyncClient, method: str, path: str) -> None:
    assert (await as_nobody.request(method, path)).status_code == 401
