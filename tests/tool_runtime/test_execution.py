"""Executing a tool over HTTP: what runs, what is refused, and how it is counted."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

from crafter.core.runtime import Runtime
from crafter.tools import service as tool_service
from crafter.tools.catalogue import SYSTEM_TOOLS
from crafter.tools.documents import Tool

ALONE = {"calculator", "current_time", "json_processor"}
NO_USE = {"total_calls": 0, "success_calls": 0, "failed_calls": 0, "avg_execution_time_ms": 0}


@pytest.fixture(autouse=True)
async def _as_seeded(runtime: Runtime) -> AsyncIterator[None]:
    """Tools outlive a test: what one counted or switched off is put back."""
    yield
    await Tool.collection().delete_many({})
    await tool_service.seed_tools()


async def execute(client: httpx2.AsyncClient, name: str, **parameters: Any) -> httpx2.Response:
    return await client.post(f"/tools/{name}/execute", json={"parameters": parameters})


async def usage(client: httpx2.AsyncClient, name: str) -> dict[str, Any]:
    stats: dict[str, Any] = (await client.get(f"/tools/{name}/stats")).json()
    return stats["usage_stats"]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("calculator", {"expression": "6 * 7"}),
        ("current_time", {"timezone": "Europe/Berlin", "format": "human"}),
        ("json_processor", {"data": {"a": [1]}, "operation": "extract", "path": "a.0"}),
    ],
)
async def test_a_result_has_the_contracts_shape_and_fits_the_tools_own_schema(
    as_viewer: httpx2.AsyncClient, name: str, parameters: dict[str, Any]
) -> None:
    response = await execute(as_viewer, name, **parameters)

    answer = response.json()
    assert response.status_code == 200
    assert answer.keys() == {"success", "result", "execution_time_ms", "tool_name"}
    assert (answer["success"], answer["tool_name"]) == (True, name)
    assert isinstance(answer["execution_time_ms"], int)
    schema = next(tool for tool in SYSTEM_TOOLS if tool.name == name).stored()["return_schema"]
    assert list(Draft202012Validator(schema).iter_errors(answer["result"])) == []
    assert answer["result"].keys() == schema["properties"].keys()


async def test_a_failure_has_the_contracts_shape(as_viewer: httpx2.AsyncClient) -> None:
    response = await execute(as_viewer, "calculator", expression="1 / 0")

    answer = response.json()
    assert response.status_code == 400
    assert answer["success"] is False
    assert answer["error"] == "Calculator error: division by zero"
    assert (answer["tool_name"], answer["code"]) == ("calculator", "TOOL_FAILED")
    assert isinstance(answer["execution_time_ms"], int)


@pytest.mark.parametrize(
    ("name", "parameters", "sentence", "pointer"),
    [
        ("calculator", {}, "Parameter 'expression' is required", ""),
        ("calculator", {"expression": 5}, "Parameter 'expression' must be of type string", "/expression"),
        (
            "calculator",
            {"expression": ""},
            "Parameter 'expression' must have at least 1 character",
            "/expression",
        ),
        ("calculator", {"expression": "1", "x": 1}, "There is no parameter 'x'", ""),
        (
            "current_time",
            {"format": "roman"},
            "Parameter 'format' must be one of iso, unix, human",
            "/format",
        ),
        ("current_time", {"timezone": ["UTC"]}, "Parameter 'timezone' must be of type string", "/timezone"),
        ("json_processor", {"operation": "parse"}, "Parameter 'data' is required", ""),
    ],
)
async def test_arguments_are_checked_before_anything_runs(
    as_viewer: httpx2.AsyncClient, name: str, parameters: dict[str, Any], sentence: str, pointer: str
) -> None:
    response = await execute(as_viewer, name, **parameters)

    answer = response.json()
    assert (response.status_code, answer["error"], answer["pointer"]) == (400, sentence, pointer)
    assert answer["success"] is False


async def test_a_refusal_does_not_repeat_the_arguments(as_viewer: httpx2.AsyncClient) -> None:
    response = await execute(as_viewer, "calculator", expression=["canary" * 1_000])

    assert response.status_code == 400
    assert "canary" not in response.text


@pytest.mark.parametrize("name", sorted({tool.name for tool in SYSTEM_TOOLS} - ALONE))
async def test_tools_that_need_an_agent_are_not_executed_on_their_own(
    as_admin: httpx2.AsyncClient, name: str
) -> None:
    response = await execute(as_admin, name, query="x", url="http://127.0.0.1")

    answer = response.json()
    assert (response.status_code, answer["success"], answer["tool_name"]) == (400, False, name)
    assert answer["error"] == (
        f"Tool '{name}' works with the settings of an agent, and cannot be executed on its own"
    )
    assert await usage(as_admin, name) == NO_USE


async def test_unknown_and_inactive_tools_are_not_found(as_viewer: httpx2.AsyncClient) -> None:
    await Tool.collection().update_one({"name": "calculator"}, {"$set": {"is_active": False}})

    answers = [await execute(as_viewer, name) for name in ("nothing", "calculator")]

    assert [(one.status_code, one.json()["error"]) for one in answers] == [(404, "Tool not found")] * 2


async def test_a_tool_of_somebody_elses_is_not_run_in_the_name_of_a_system_tool(
    as_viewer: httpx2.AsyncClient,
) -> None:
    await Tool.collection().update_one({"name": "calculator"}, {"$set": {"is_system_tool": False}})

    response = await execute(as_viewer, "calculator", expression="1")

    assert (response.status_code, response.json()["code"]) == (400, "TOOL_NOT_EXECUTABLE")


@pytest.mark.parametrize("body", [{}, {"parameters": None}, {"parameters": {}}])
async def test_no_parameters_are_none(as_viewer: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    assert (await as_viewer.post("/tools/current_time/execute", json=body)).status_code == 200


async def test_parameters_must_be_an_object(as_viewer: httpx2.AsyncClient) -> None:
    response = await as_viewer.post("/tools/current_time/execute", json={"parameters": []})

    assert response.status_code == 400
    assert [error["path"] for error in response.json()["errors"]] == ["parameters"]


async def test_parallel_executions_are_all_counted(as_viewer: httpx2.AsyncClient) -> None:
    expressions = ["1 / 0" if n % 13 == 0 else "1 + 1" for n in range(481)]  # 37 of them fail
    expressions += ["1 + 1"] * 19

    answers = await asyncio.gather(*(execute(as_viewer, "calculator", expression=e) for e in expressions))

    assert sorted(answer.status_code for answer in answers) == [200] * 463 + [400] * 37
    stats = await usage(as_viewer, "calculator")
    spent = [answer.json()["execution_time_ms"] for answer in answers]
    assert (stats["total_calls"], stats["success_calls"], stats["failed_calls"]) == (500, 463, 37)
    assert stats["avg_execution_time_ms"] == sum(spent) / 500
