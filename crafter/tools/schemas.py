"""Tools on the wire."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import Resource, ResponseBody, WireTime

ToolName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
SearchText = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]


class UsageStatsRead(ResponseBody):
    """How often a tool was called, by all tenants together."""

    total_calls: int = 0
    success_calls: int = 0
    failed_calls: int = 0
    avg_execution_time_ms: float = 0


class ToolSummary(ResponseBody):
    """A tool in a list."""

    stored_id: EntityId = Field(alias="_id")
    name: str
    display_name: str
    description: str
    category: str
    parameters_schema: dict[str, Any]
    usage_stats: UsageStatsRead = Field(default_factory=UsageStatsRead)
    version: str = "1.0.0"


class ImplementationRead(ResponseBody):
    """What runs when a tool is called."""

    type: str
    handler: str
    config: OmitNone[dict[str, Any]] = None


class ToolRead(Resource):
    """One tool, whole."""

    name: str
    display_name: str
    description: str
    category: str
    parameters_schema: dict[str, Any]
    return_schema: OmitNone[dict[str, Any]] = None
    implementation: ImplementationRead
    is_system_tool: bool = False
    is_active: bool = True
    usage_stats: UsageStatsRead = Field(default_factory=UsageStatsRead)
    last_used_at: OmitNone[WireTime] = None
    version: str = "1.0.0"


class ToolStats(ResponseBody):
    """How one tool was used."""

    tool_name: str
    usage_stats: UsageStatsRead
    last_used_at: OmitNone[WireTime] = None
