"""``/tools``: the catalogue. Everybody with an account reads it; nobody changes it here."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from crafter.auth.dependencies import signed_in
from crafter.core.errors import documented
from crafter.edge.rate_limits import GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.tools import service as tool_service
from crafter.tools.errors import SystemToolReadOnly, ToolNotFound
from crafter.tools.schemas import SearchText, ToolName, ToolRead, ToolStats, ToolSummary

router = feature_router("/tools", tag="Tools")


@router.get("", response_model=list[ToolSummary], dependencies=[signed_in, limited(GENERAL)])
async def list_tools(
    category: Annotated[str | None, Query(max_length=64, description="Only tools of this category.")] = None,
    search: Annotated[
        SearchText | None, Query(description="Only tools with this text in their name or description.")
    ] = None,
) -> Response:
    """The active tools, by name."""
    return json_response(await tool_service.list_tools(category, search))


@router.get("/categories", response_model=list[str], dependencies=[signed_in, limited(GENERAL)])
async def list_categories() -> Response:
    """The categories that have tools."""
    return json_response(await tool_service.list_categories())


@router.get(
    "/{tool_name}",
    response_model=ToolRead,
    dependencies=[signed_in, limited(GENERAL)],
    responses=documented(ToolNotFound),
)
async def get_tool(tool_name: ToolName) -> Response:
    """One tool, with its schemas."""
    return json_response(await tool_service.get_tool(tool_name))


@router.get(
    "/{tool_name}/stats",
    response_model=ToolStats,
    dependencies=[signed_in, limited(GENERAL)],
    responses=documented(ToolNotFound),
)
async def get_stats(tool_name: ToolName) -> Response:
    """How often a tool was called, by all tenants together."""
    tool = await tool_service.get_tool(tool_name)
    return json_response(
        ToolStats(tool_name=tool.name, usage_stats=tool.usage_stats, last_used_at=tool.last_used_at)
    )


@router.put(
    "/{tool_name}",
    status_code=403,
    response_class=Response,
    dependencies=[signed_in, limited(GENERAL)],
    responses=documented(SystemToolReadOnly, ToolNotFound),
)
async def update_tool(tool_name: ToolName) -> None:
    """Refused: system tools come with the service."""
    await tool_service.refuse_change(tool_name, "Cannot update system tools")


@router.delete(
    "/{tool_name}",
    status_code=403,
    response_class=Response,
    dependencies=[signed_in, limited(GENERAL)],
    responses=documented(SystemToolReadOnly, ToolNotFound),
)
async def delete_tool(tool_name: ToolName) -> None:
    """Refused: system tools come with the service."""
    await tool_service.refuse_change(tool_name, "Cannot delete system tools")
