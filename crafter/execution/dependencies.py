"""From the agent in the path to the document, where a program may talk to it as well as a person."""

from typing import Annotated

from fastapi import Depends

from crafter.agents import service as agent_service
from crafter.agents.documents import Agent
from crafter.core.ids import EntityId
from crafter.platform_access.dependencies import EitherAccess


async def get_agent(agent_id: EntityId, project_id: EntityId, access: EitherAccess) -> Agent:
    """An agent of the project in the path; another project's, and another organization's, is 404."""
    return await agent_service.get_agent(access.in_project(project_id), agent_id)


AgentForAnyone = Annotated[Agent, Depends(get_agent)]
