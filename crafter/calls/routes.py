"""``…/projects/{project_id}/calls``: what was asked of models, what it took, and how it went."""

from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from crafter.calls import service as call_service
from crafter.calls.errors import CallNotFound
from crafter.calls.schemas import CallPage, CallQuery, CallRead
from crafter.core.errors import ValidationFailed, documented
from crafter.core.ids import EntityId
from crafter.core.pagination import CursorPage, cursor_page, page_body
from crafter.core.runtime import CurrentRuntime
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission
from crafter.projects.dependencies import CurrentProject
from crafter.projects.errors import ProjectNotFound

router = feature_router("/organizations/{organization_id}/projects/{project_id}/calls", tag="Calls of models")


@router.get(
    "",
    response_model=CallPage,
    dependencies=[require(Permission.statistics_read)],
    responses=documented(ProjectNotFound, ValidationFailed),
)
async def list_calls(
    project: CurrentProject,
    query: Annotated[CallQuery, Query()],
    page: Annotated[CursorPage, Depends(cursor_page)],
    runtime: CurrentRuntime,
) -> Response:
    """The calls of a project, the newest first, whoever made them: chats, tasks, prompts, tools."""
    calls, following = await call_service.list_page(project.scope, query, page, runtime.cursors)
    return json_response(page_body(calls, next_cursor=following))


@router.get(
    "/{call_id}",
    response_model=CallRead,
    dependencies=[require(Permission.statistics_read)],
    responses=documented(CallNotFound),
)
async def get_call(access: CurrentAccess, project_id: EntityId, call_id: EntityId) -> Response:
    """One call."""
    return json_response(await call_service.get_call(access.in_project(project_id), call_id))
