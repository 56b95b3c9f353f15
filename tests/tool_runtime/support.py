"""An agent that uses one tool: its settings are sealed as they are stored, its arguments checked as a model's are."""

from dataclasses import dataclass
from typing import Any

import pytest

from crafter.agent_tools.vault import Vault, keep_from
from crafter.agents.documents import Agent, AgentTool
from crafter.core.errors import CrafterError
from crafter.core.runtime import Runtime
from crafter.llm.providers import ChatModels
from crafter.tool_runtime.arguments import check_arguments
from crafter.tool_runtime.context import ToolContext
from crafter.tool_runtime.registry import HANDLERS
from crafter.tools.catalogue import SYSTEM_TOOLS

SCHEMAS = {tool.name: tool.stored()["parameters_schema"] for tool in SYSTEM_TOOLS}


@dataclass(frozen=True)
class Bench:
    """The agent, without tools, and what runs it."""

    agent: Agent
    runtime: Runtime
    models: ChatModels

    def seal(self, name: str, settings: dict[str, Any]) -> dict[str, Any]:
        """The settings of a tool as they are stored."""
        return Vault(self.agent, name, self.runtime.keyring).seal(settings, keep_from({}))

    async def use(self, name: str, settings: dict[str, Any], **arguments: Any) -> dict[str, Any]:
        """What the tool answers to an agent with these settings, which are given in plain text."""
        return await self.use_stored(name, self.seal(name, settings), **arguments)

    async def use_stored(self, name: str, stored: dict[str, Any], **arguments: Any) -> dict[str, Any]:
        """What the tool answers to an agent whose settings are stored like this."""
        tool = AgentTool(name=name, description="d", parameters=stored)
        agent = self.agent.model_copy(update={"tools": [tool]})
        check_arguments(SCHEMAS[name], arguments)
        return await HANDLERS[name](arguments, ToolContext(agent, stored, self.runtime, self.models))

    async def refused(self, name: str, settings: dict[str, Any], **arguments: Any) -> str:
        """The sentence with which the tool fails."""
        with pytest.raises(CrafterError) as failure:
            await self.use(name, settings, **arguments)
        return failure.value.message
