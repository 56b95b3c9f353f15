"""How programs are answered."""

from crafter.agents.documents import Agent
from crafter.api_keys import service as api_key_service
from crafter.core.time import utc_now
from crafter.external.schemas import AgentDetails, KeySummary, KeyUsageRead, ToolSummary
from crafter.user_api_keys import presentation as key_presentation
from crafter.user_api_keys.documents import UserApiKey


async def show_agent(agent: Agent) -> AgentDetails:
    """An agent with its tools and the provider that it works with."""
    return AgentDetails(
        id=agent.id,
        name=agent.name,
        description=agent.description,
        type=agent.type,
        version=agent.version,
        is_active=agent.is_active,
        tools=[
            ToolSummary(name=tool.name, description=tool.description, enabled=tool.enabled)
            for tool in agent.tools
        ],
        api_key=await _key_of(agent),
    )


def show_usage(key: UserApiKey) -> KeyUsageRead:
    """How often the key was used."""
    return KeyUsageRead.model_validate(key_presentation.show_usage(key, utc_now()).model_dump())


async def _key_of(agent: Agent) -> KeySummary | None:
    found = await api_key_service.find_keys(agent.scope, [agent.api_key])
    shown = await api_key_service.show_populated(list(found.values()), full_provider=False)
    return KeySummary(name=shown[0]["name"], provider=shown[0]["provider"]["name"]) if shown else None
