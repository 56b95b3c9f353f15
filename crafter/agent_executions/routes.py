"""The runs of an agent: the list, and one whole."""

from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from crafter.agent_executions import service as execution_service
from crafter.agent_executions.errors import ExecutionNotFound
from crafter.agent_executions.schemas import ExecutionPage, ExecutionRead
from crafter.agents.dependencies import CurrentAgent
from crafter.agents.errors import AgentNotFound
from crafter.core.errors import documented
from crafter.core.ids import EntityId
from crafter.core.pagination import NumberedPage, numbered_page
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import require
from crafter.organizations.permissions import Permission

router = feature_router(
    "/organizations/{organization_id}/projects/{project_id}/agents/{agent_id}/executions",
    tag="Runs of task agents",
)

Text = Annotated[str | None, Query(max_length=40)]


@router.get(
    "",
    response_model=ExecutionPage,
    dependencies=[require(Permission.agents_read)],
    responses=documented(AgentNotFound),
)
async def list_executions(
    agent: CurrentAgent,
    page: Annotated[NumberedPage, Depends(numbered_page())],
    status: Text = None,
    type: Text = None,  # noqa: A002 - the contract's name
) -> Response:
    """An agent's runs, the newest first, without what went in and came out."""
    rows, total = await execution_service.list_numbered(agent, page, status=status, kind=type)
    return json_response(ExecutionPage(total=total, page=page.page, limit=page.limit, executions=rows))


@router.get(
    "/{execution_id}",
    response_model=ExecutionRead,
    dependencies=[require(Permission.agents_read)],
    responses=documented(AgentNotFound, ExecutionNotFound),
)
async def get_execution(agent: CurrentAgent, execution_id: EntityId) -> Response:
    """One run with its input, its steps and its output."""
    return json_response(await execution_service.read_execution(agent, execution_id))
