"""From the path to the agent that is to be changed, and from the agent to an answer.

The agent is not loaded before it is changed: the contract wants what is wrong with the body said first.
"""

from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from crafter.agent_tools.settings import AgentTarget
from crafter.agents.documents import Agent
from crafter.core.etags import IfMatch, etag
from crafter.core.ids import EntityId
from crafter.core.schemas import ResponseBody
from crafter.edge.responses import json_response
from crafter.organizations.dependencies import CurrentAccess


async def get_target(
    access: CurrentAccess, project_id: EntityId, agent_id: EntityId, revision: IfMatch
) -> AgentTarget:
    """The agent in the path, and the revision in ``If-Match``."""
    return AgentTarget(access.in_project(project_id), agent_id, revision)


Target = Annotated[AgentTarget, Depends(get_target)]


def agent_response(agent: Agent, body: ResponseBody, status: int = 200) -> Response:
    """A part of an agent; its ETag is the agent's, for it changes with the agent."""
    return json_response(body, status, {"ETag": etag(agent.revision)})
