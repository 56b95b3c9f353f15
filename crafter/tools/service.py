"""Every query and every rule about tools."""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NoReturn

from pymongo.errors import DuplicateKeyError

from crafter.core.ids import derived_id
from crafter.core.time import utc_now
from crafter.tools.catalogue import SYSTEM_TOOLS
from crafter.tools.documents import Tool
from crafter.tools.errors import SystemToolReadOnly, ToolNotFound
from crafter.tools.pipelines import usage_counted
from crafter.tools.schemas import ToolRead, ToolSummary

_ALL = 1_000


async def list_tools(category: str | None, search: str | None) -> list[ToolSummary]:
    """The active tools, by name; ``search`` is looked for in names and descriptions, whatever its case."""
    where: dict[str, Any] = {"is_active": True}
    if category:
        where["category"] = category
    if search:
        contains = {"$regex": re.escape(search), "$options": "i"}
        where["$or"] = [{field: contains} for field in ("name", "display_name", "description")]
    rows = await Tool.collection().find(where, ToolSummary.fields(), sort=[("name", 1)], limit=_ALL).to_list()
    return [ToolSummary.from_stored(row) for row in rows]


async def list_names() -> list[dict[str, Any]]:
    """What the active tools are called, by name: ``[{"_id", "name", "display_name"}]``."""
    fields = {"name": 1, "display_name": 1}
    return await Tool.collection().find({"is_active": True}, fields, sort=[("name", 1)], limit=_ALL).to_list()


async def list_categories() -> list[str]:
    """The categories that have active tools, by name."""
    categories: list[Any] = await Tool.collection().distinct("category", {"is_active": True})
    return sorted(category for category in categories if isinstance(category, str))


async def get_tool(name: str) -> ToolRead:
    """One active tool. Raises ToolNotFound."""
    raw = await Tool.collection().find_one({"name": name, "is_active": True}, ToolRead.fields())
    if raw is None:
        raise ToolNotFound
    return ToolRead.from_stored(raw)


async def find_active(names: Iterable[str]) -> dict[str, Tool]:
    """Several active tools by name, in one query; those that are gone or inactive are missing."""
    wanted = {"name": {"$in": list(set(names))}, "is_active": True}
    rows = await Tool.collection().find(wanted).to_list()
    return {row["name"]: Tool.from_stored(row) for row in rows}


async def record_use(name: str, *, succeeded: bool, milliseconds: int) -> None:
    """Count one run of a tool; the mean follows from the sum of all durations, so it is exact."""
    outcome = "success_calls" if succeeded else "failed_calls"
    await Tool.collection().update_one({"name": name}, usage_counted(outcome, milliseconds, utc_now()))


async def refuse_change(name: str, refusal: str) -> NoReturn:
    """Nobody changes tools. Raises SystemToolReadOnly with the sentence, and ToolNotFound for all others."""
    raw = await Tool.collection().find_one({"name": name}, {"is_system_tool": 1})
    raise SystemToolReadOnly(refusal) if raw and raw.get("is_system_tool") else ToolNotFound()


async def seed_tools() -> None:
    """Bring the stored system tools to what the code says. May run anywhere, any number of times.

    Usage, time of creation and whether a tool is active are kept; a custom tool of the same name is left
    alone.
    """
    rows = await Tool.collection().find({"name": {"$in": [tool.name for tool in SYSTEM_TOOLS]}}).to_list()
    stored = {row["name"]: row for row in rows}
    for tool in SYSTEM_TOOLS:
        wanted, found = tool.stored(), stored.get(tool.name)
        if found is None:
            await _insert(wanted)
        elif any(found.get(field) != value for field, value in wanted.items()):
            await Tool.collection().update_one(
                {"name": tool.name, "is_system_tool": True},
                {"$set": {**wanted, "updatedAt": utc_now()}, "$inc": {"revision": 1}},
            )


async def _insert(definition: dict[str, Any]) -> None:
    """The derived id lets one of two racers win, even before there is an index on the names."""
    tool = Tool(id=derived_id("tools", definition["name"]), **definition)
    with suppress(DuplicateKeyError):
        await Tool.collection().insert_one(tool.to_stored())
