"""What a tool may need beside its arguments, and what it is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from crafter.llm.providers import ChatModels


@dataclass(frozen=True, slots=True)
class ToolContext:
    """The agent that calls the tool, and the tool's settings there, secrets still sealed."""

    agent: Agent
    settings: Mapping[str, Any]
    runtime: Runtime
    models: ChatModels


Arguments: TypeAlias = Mapping[str, Any]
Result: TypeAlias = dict[str, Any]

Handler: TypeAlias = Callable[[Arguments, ToolContext], Awaitable[Result]]
"""Does what the tool is for. Raises ToolFailed with a sentence that is fit for a model and for people."""
