"""From the agent in the path to the document."""

from typing import Annotated

from fastapi import Depends

from crafter.agents import service as agent_service
from crafter.agents.documents import Agent
from crafter.core.ids import EntityId
from crafter.organizations.dependencies import CurrentAccess


async def get_agent(agent_id: EntityId, access: CurrentAccess) -> Agent:
    """An agent of any of the organization's projects."""
    return await agent_service.get_agent(access.scope, agent_id)


OrganizationAgent = Annotated[Agent, Depends(get_agent)]
