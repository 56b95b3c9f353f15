"""Which tools an agent has."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from crafter.agent_tools.errors import ToolAlreadyAdded, TooManyTools
from crafter.agent_tools.settings import AgentTarget, check_size, find_tool
from crafter.agent_tools.vault import Vault, keep_from
from crafter.agents import service as agent_service
from crafter.agents.documents import MAX_TOOLS, Agent, AgentTool
from crafter.agents.schemas import AgentToolRead
from crafter.agents.secrets import masked, masked_parameters
from crafter.agents.service import AgentEdit
from crafter.core.schemas import ContractBody, ResponseBody, says
from crafter.core.secrets import Keyring
from crafter.edge.strict_json import check_free_object
from crafter.tools import service as tool_service
from crafter.tools.errors import ToolNotFound


class ToolInput(ContractBody):
    """A tool of the catalogue, its settings, and whether the agent may use it."""

    tool_name: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=200)],
        says("Tool name is required and must be a string"),
    ]
    parameters: Annotated[dict[str, Any], AfterValidator(check_free_object)] | None = None
    enabled: Annotated[bool, says("Enabled must be a boolean")] | None = None


class AddedTool(ResponseBody):
    """The tool that was added; the secrets among its settings are masked."""

    name: str
    description: str
    parameters: dict[str, Any]
    enabled: bool


class ToolAdded(ResponseBody):
    """What was done, and with which tool."""

    message: str = "Tool added successfully"
    tool: AddedTool


class ToolRemoved(ResponseBody):
    """What was done, and with which tool."""

    message: str = "Tool removed successfully"
    tool_name: str


class AgentToolsRead(ResponseBody):
    """The tools of an agent; the secrets among their settings are masked."""

    tools: list[AgentToolRead]
    count: int = Field(description="How many tools the agent has.")


async def add_tool(target: AgentTarget, given: ToolInput, keyring: Keyring) -> Agent:
    """Give an agent one more tool.

    Raises AgentNotFound, ToolNotFound, ToolAlreadyAdded, TooManyTools, SettingsTooLarge, StaleWrite, and
    SecretMissing for a mask: nothing is stored yet.
    """
    name, parameters = given.tool_name, given.parameters or {}

    async def plan(agent: Agent) -> AgentEdit:
        tool = (await tool_service.find_active([name])).get(name)
        if tool is None:
            advice = f"Tool '{name}' is not available. Check available tools list."
            raise ToolNotFound(message=advice)
        if find_tool(agent, name):
            raise ToolAlreadyAdded(message=f"Tool '{name}' is already configured for this agent.")
        if len(agent.tools) >= MAX_TOOLS:
            raise TooManyTools(limit=MAX_TOOLS)
        check_size(parameters)
        added = AgentTool(name=name, description=tool.description, enabled=given.enabled is not False)
        added.parameters = Vault(agent, name, keyring).seal(parameters, keep_from({})) or None
        update = {"$push": {"tools": added.model_dump(by_alias=True)}}
        return AgentEdit(update, {"tools.name": {"$ne": name}})

    return await agent_service.edit_agent(target.scope, target.agent_id, target.revision, plan)


async def remove_tool(target: AgentTarget, name: str) -> Agent:
    """Take a tool from an agent, with its settings. Raises AgentNotFound, ToolNotFound and StaleWrite."""

    async def plan(agent: Agent) -> AgentEdit:
        if find_tool(agent, name) is None:
            raise ToolNotFound(message=f"Tool '{name}' is not configured for this agent.")
        return AgentEdit({"$pull": {"tools": {"name": name}}})

    return await agent_service.edit_agent(target.scope, target.agent_id, target.revision, plan)


def show_added(agent: Agent, name: str) -> ToolAdded:
    """The answer to a tool that was added."""
    tool = next(tool for tool in agent.tools if tool.name == name)
    fields = tool.model_dump(exclude={"id"})
    return ToolAdded(tool=AddedTool(**{**fields, "parameters": masked_parameters(tool.parameters or {})}))


def show(agent: Agent) -> AgentToolsRead:
    """The tools of an agent."""
    tools = masked(agent.to_stored())["tools"]
    return AgentToolsRead(tools=tools, count=len(tools))
