"""Tools, as they are stored: one global collection."""

from typing import Any, ClassVar

from pydantic import Field
from pymongo import ASCENDING, IndexModel

from crafter.core.documents import BaseDocument, Moment, OmitNone, Stored
from crafter.core.queries import QueryShape


class Implementation(Stored):
    """What runs when a tool is called: ``type`` is internal, external_api, webhook or code."""

    type: str = "internal"
    handler: str
    config: OmitNone[dict[str, Any]] = None


class UsageStats(Stored):
    """How often a tool was called, by all tenants together."""

    total_calls: int = 0
    success_calls: int = 0
    failed_calls: int = 0
    avg_execution_time_ms: float = 0


class Tool(BaseDocument):
    """Something an agent can do. The two schemas are JSON Schemas of its arguments and of its result."""

    name: str
    display_name: str
    description: str
    category: str
    parameters_schema: dict[str, Any]
    return_schema: OmitNone[dict[str, Any]] = None
    implementation: Implementation
    is_system_tool: bool = False
    is_active: bool = True
    usage_stats: UsageStats = Field(default_factory=UsageStats)
    version: str = "1.0.0"

    usage_total_ms: OmitNone[float] = None
    last_used_at: OmitNone[Moment] = None

    query_shapes: ClassVar = (
        QueryShape("one tool", {"name": "faq", "is_active": True}, rules=("12.58",)),
        QueryShape("an agent's tools", {"name": {"$in": ["faq", "calculator"]}, "is_active": True}),
        QueryShape("all tools, and their categories", {"is_active": True}, (("name", 1),)),
        QueryShape(
            "tools of a category", {"is_active": True, "category": "web"}, (("name", 1),), rules=("12.59",)
        ),
        QueryShape("system tools", {"is_system_tool": True}, rules=("12.60",)),
    )

    class Settings:
        name = "tools"
        indexes = [
            IndexModel([("name", ASCENDING)], name="name_1", unique=True),
            IndexModel([("category", ASCENDING), ("name", ASCENDING)], name="category_1_name_1"),
            IndexModel([("is_system_tool", ASCENDING)], name="is_system_tool_1"),
            IndexModel([("is_active", ASCENDING), ("name", ASCENDING)], name="is_active_1_name_1"),
        ]
