"""Runs tools, and counts every run."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from crafter.core.errors import CrafterError
from crafter.tool_runtime.arguments import check_arguments
from crafter.tool_runtime.errors import ToolFailed, ToolNotExecutable
from crafter.tool_runtime.registry import PLAIN
from crafter.tool_runtime.schemas import Executed
from crafter.tools import service as tool_service

DEADLINE_SECONDS = 30
"""How long one run of a tool may take."""

log = structlog.get_logger("crafter.tools")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to: a result, or the sentence that says why there is none."""

    result: dict[str, Any] | None
    error: str | None
    milliseconds: int


async def execute_tool(name: str, arguments: Mapping[str, Any]) -> Executed:
    """Run one of the tools that need no agent. A run that fails is counted too.

    Raises ToolNotFound, ToolNotExecutable and ToolFailed.
    """
    tool = await tool_service.get_tool(name)
    run = PLAIN.get(name)
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


async def run_tool(
    name: str,
    schema: Mapping[str, Any],
    arguments: Mapping[str, Any],
    work: Callable[[], Awaitable[dict[str, Any]]],
) -> Outcome:
    """Run a tool for an agent: check its arguments, do the work within the deadline, count the run.

    Whatever the tool fails with is an outcome; a mistake of ours is logged.
    """
    started = time.perf_counter()
    result, error = None, None
    try:
        check_arguments(schema, arguments)
        async with asyncio.timeout(DEADLINE_SECONDS):
            result = await work()
    except TimeoutError:
        error = f"The tool took longer than {DEADLINE_SECONDS} seconds"
    except CrafterError as failure:
        error = failure.message
    except Exception as mistake:  # the run ends here: the model is told, and we are
        log.error("tool_failed", tool=name, exc_info=mistake)
        error = ToolFailed.message
    spent = _milliseconds(started)
    await tool_service.record_use(name, succeeded=error is None, milliseconds=spent)
    return Outcome(result, error, spent)


def _failure(name: str, milliseconds: int) -> dict[str, Any]:
    """What the contract wants in the body of a failure, beside the sentence."""
    return {"success": False, "execution_time_ms": milliseconds, "tool_name": name}


def _milliseconds(started: float) -> int:
    return round((time.perf_counter() - started) * 1_000)
