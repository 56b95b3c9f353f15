"""The tools of an agent, while it runs: what is offered to the model, and what happens when it calls."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from crafter.agents.documents import Agent, AgentTool
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.llm.base import ToolCall, ToolDefinition
from crafter.llm.providers import ChatModels
from crafter.tool_runtime import service as tool_runtime
from crafter.tool_runtime.context import ToolContext
from crafter.tool_runtime.registry import HANDLERS
from crafter.tool_runtime.results import as_stored, as_told
from crafter.tools import service as tool_service
from crafter.tools.documents import Tool

LIMIT_REACHED = "The limit of tool calls for this turn is reached. Answer with what you know."

TurnTool: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""A tool that belongs to one turn, such as asking for a human."""


@dataclass(frozen=True, slots=True)
class ToolRun:
    """One call of a tool, and what became of it: ``result`` as it is stored, or ``error``.

    ``step`` is the contract's name of what happened; ``told`` is what the model reads.
    """

    step: str
    tool_name: str
    parameters: Any
    result: Any
    error: str | None
    milliseconds: int
    told: str
    timestamp: datetime = field(default_factory=utc_now)


class Toolbox:
    """The tools that one agent may use in one turn: those on its list that are enabled and can be run."""

    def __init__(self, context: ToolContext, tools: Mapping[str, Tool], own: Mapping[str, TurnTool]) -> None:
        self._agent = context.agent
        self._context = context
        self._settings = {tool.name: tool.parameters or {} for tool in _enabled(context.agent)}
        self._tools = tools
        self._own = own

    @property
    def definitions(self) -> list[ToolDefinition]:
        """What is offered to the model."""
        return [
            ToolDefinition(tool.name, tool.description, tool.parameters_schema)
            for _, tool in sorted(self._tools.items())
        ]

    async def run(self, call: ToolCall) -> ToolRun:
        """Do what a model asked for. Whatever goes wrong is told to the model."""
        tool = self._tools.get(call.name)
        if tool is None:
            return _refused(call, "tool_not_available", f"Tool '{call.name[:100]}' is not available.")
        try:
            arguments = _arguments(call.arguments)
        except ValueError as error:
            return _refused(call, "tool_failed", str(error))
        outcome = await tool_runtime.run_tool(
            tool.name, tool.parameters_schema, arguments, lambda: self._work(tool.name, arguments)
        )
        failed = outcome.error is not None
        return ToolRun(
            step="tool_failed" if failed else "tool_execution",
            tool_name=tool.name,
            parameters=as_stored(arguments),
            result=None if failed else as_stored(outcome.result),
            error=outcome.error,
            milliseconds=outcome.milliseconds,
            told=as_told({"error": outcome.error} if failed else outcome.result),
        )

    async def _work(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        own = self._own.get(name)
        if own is not None:
            return await own(arguments)
        context = ToolContext(self._agent, self._settings[name], self._context.runtime, self._context.models)
        return await HANDLERS[name](arguments, context)


async def toolbox_of(
    agent: Agent, runtime: Runtime, models: ChatModels, own: Mapping[str, TurnTool] | None = None
) -> Toolbox:
    """The agent's tools; ``own`` are those that belong to the turn, and are offered if the agent has them too."""
    own = own or {}
    runnable = [tool.name for tool in _enabled(agent) if tool.name in HANDLERS or tool.name in own]
    found = await tool_service.find_active(runnable) if runnable else {}
    tools = {name: tool for name, tool in found.items() if tool.is_system_tool}
    return Toolbox(ToolContext(agent, {}, runtime, models), tools, own)


def refused_for_limit(call: ToolCall) -> ToolRun:
    """A call that is one too many."""
    return _refused(call, "tool_failed", LIMIT_REACHED)


def _enabled(agent: Agent) -> list[AgentTool]:
    return [tool for tool in agent.tools if tool.enabled]


def _arguments(text: str) -> dict[str, Any]:
    """What a model wrote, as an object; nothing at all counts as an empty one. Raises ValueError."""
    if not text.strip():
        return {}
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("The arguments are not valid JSON.") from None
    if not isinstance(arguments, dict):
        raise ValueError("The arguments must be one JSON object.")
    return arguments


def _refused(call: ToolCall, step: str, error: str) -> ToolRun:
    return ToolRun(
        step=step,
        tool_name=call.name[:100],
        parameters={},
        result=None,
        error=error,
        milliseconds=0,
        told=as_told({"error": error}),
    )
