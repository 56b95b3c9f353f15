"""Runs tools, and counts every run."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from crafter.tool_runtime.arguments import check_arguments
from crafter.tool_runtime.calculator import calculate
from crafter.tool_runtime.current_time import tell_time
from crafter.tool_runtime.errors import ToolFailed, ToolNotExecutable
from crafter.tool_runtime.json_processor import process_json
from crafter.tool_runtime.schemas import Executed
from crafter.tools import service as tool_service

_ON_THEIR_OWN: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "calculator": calculate,
    "current_time": tell_time,
    "json_processor": process_json,
}
"""The tools that need nothing but their arguments."""


async def execute_tool(name: str, arguments: Mapping[str, Any]) -> Executed:
    """Run one of the tools that need no agent. A run that fails is counted too.

    Raises ToolNotFound, ToolNotExecutable and ToolFailed.
    """
    tool = await tool_service.get_tool(name)
    run = _ON_THEIR_OWN.get(name)
    if run is None or not tool.is_system_tool:
        raise ToolNotExecutable(
            f"Tool '{name}' works with the settings of an agent, and cannot be executed on its own",
            **_failure(name, 0),
        )
    started = time.perf_counter()
    try:
        check_arguments(tool.parameters_schema, arguments)
        result = run(arguments)
    except ToolFailed as failure:
        spent = _milliseconds(started)
        await tool_service.record_use(name, succeeded=False, milliseconds=spent)
        raise ToolFailed(failure.message, **_failure(name, spent), **failure.details) from None
    spent = _milliseconds(started)
    await tool_service.record_use(name, succeeded=True, milliseconds=spent)
    return Executed(result=result, execution_time_ms=spent, tool_name=name)


def _failure(name: str, milliseconds: int) -> dict[str, Any]:
    """What the contract wants in the body of a failure, beside the sentence."""
    return {"success": False, "execution_time_ms": milliseconds, "tool_name": name}


def _milliseconds(started: float) -> int:
    return round((time.perf_counter() - started) * 1_000)
