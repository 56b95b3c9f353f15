"""From the agent in the path to the document, for programs."""

from typing import Annotated

from fastapi import Depends

from crafter.agents import service as agent_service
from crafter.agents.documents import Agent
from crafter.core.ids import EntityId
from crafter.platform_access.dependencies import KeyProject


async def get_agent(agent_id: EntityId, project: KeyProject) -> Agent:
    """An agent of the project in the path; another project's is 404."""
    return await agent_service.get_agent(project.scope, agent_id)


KeyAgent = Annotated[Agent, Depends(get_agent)]
