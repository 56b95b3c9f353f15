"""The common shape of all settings: found on the agent, and changed in one conditional update of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from crafter.agent_tools.errors import SettingsTooLarge, ToolNotConfigured, ToolSettingsNotFound
from crafter.agent_tools.vault import Parameters, Vault
from crafter.agents import service as agent_service
from crafter.agents.documents import Agent, AgentTool
from crafter.agents.service import AgentEdit
from crafter.core.errors import CrafterError
from crafter.core.secrets import Keyring
from crafter.core.tenancy import Scope

MAX_SETTINGS_BYTES = 512 * 1024

Change = Callable[[Parameters, Vault], Parameters]
"""From the settings of a tool as they are stored to what is to be stored."""


@dataclass(frozen=True, slots=True)
class AgentTarget:
    """The agent that a caller wants to change, and the revision that the change was made from, if they said."""

    scope: Scope
    agent_id: str
    revision: int | None


def find_tool(agent: Agent, *names: str) -> AgentTool | None:
    """The first of these tools that the agent has."""
    tools = {tool.name: tool for tool in agent.tools}
    return next((tools[name] for name in names if name in tools), None)


def get_tool(agent: Agent, name: str) -> AgentTool:
    """A tool of the agent, with its settings as they are stored. Raises ToolSettingsNotFound."""
    tool = find_tool(agent, name)
    if tool is None:
        raise ToolSettingsNotFound(_missing(name))
    return tool


async def configure(
    target: AgentTarget, name: str, change: Change, keyring: Keyring, *, enabled: bool | None = None
) -> Agent:
    """Change the settings of a tool, and whether it may be used.

    Raises AgentNotFound, StaleWrite, ToolNotConfigured, SettingsTooLarge, and what ``change`` raises.
    """
    missing = ToolNotConfigured(_missing(name))
    return await configure_all(target, (name,), change, keyring, missing=missing, enabled=enabled)


async def configure_all(
    target: AgentTarget,
    names: Sequence[str],
    change: Change,
    keyring: Keyring,
    *,
    missing: CrafterError,
    enabled: bool | None = None,
) -> Agent:
    """Change those of several tools that the agent has, all at once; without any of them raises ``missing``."""

    async def plan(agent: Agent) -> AgentEdit:
        tools = [tool for tool in agent.tools if tool.name in names]
        if not tools:
            raise missing
        kept: dict[str, Any] = {}
        removed: dict[str, Any] = {}
        for number, tool in enumerate(tools):
            at = f"tools.$[t{number}]"
            parameters = change(dict(tool.parameters or {}), Vault(agent, tool.name, keyring))
            check_size(parameters)
            if parameters:
                kept[f"{at}.parameters"] = parameters
            else:
                removed[f"{at}.parameters"] = ""
            if enabled is not None:
                kept[f"{at}.enabled"] = enabled
        update = {operator: fields for operator, fields in (("$set", kept), ("$unset", removed)) if fields}
        return AgentEdit(
            update,
            where={"tools.name": {"$all": [tool.name for tool in tools]}},
            array_filters=[{f"t{number}.name": tool.name} for number, tool in enumerate(tools)],
        )

    return await agent_service.edit_agent(target.scope, target.agent_id, target.revision, plan)


def check_size(parameters: Parameters) -> None:
    """Raises SettingsTooLarge."""
    if len(to_json(parameters, fallback=str)) > MAX_SETTINGS_BYTES:
        raise SettingsTooLarge


def _missing(name: str) -> str:
    return f"Agent does not have {name} tool configured"
