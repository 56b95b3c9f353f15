"""System tools come from code; what a deployment did with them is kept."""

import asyncio
from typing import Any

from crafter.core.ids import new_id
from crafter.tools import service as tool_service
from crafter.tools.documents import Tool


async def stored() -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in await Tool.collection().find({}).to_list()}


async def test_seeding_again_changes_nothing() -> None:
    before = await stored()

    await tool_service.seed_tools()

    assert len(before) == 16
    assert await stored() == before


async def test_parallel_seeding_makes_each_tool_once_even_without_an_index() -> None:
    await Tool.collection().delete_many({})
    await Tool.collection().drop_index("name_1")
    try:
        await asyncio.gather(*(tool_service.seed_tools() for _ in range(20)))

        assert await Tool.collection().count_documents({}) == 16
    finally:
        await Tool.collection().create_indexes(Tool.index_models())


async def test_seeding_restores_the_text_and_keeps_usage_creation_and_whether_it_is_active() -> None:
    before = (await stored())["faq"]
    usage = {
        "total_calls": 4,
        "success_calls": 3,
        "failed_calls": 1,
        "avg_execution_time_ms": 3.25,
    }
    foreign = {
        "description": "An older text.",
        "implementation": {"type": "internal", "handler": "faqHandler", "config": {"faqs": []}},
        "usage_stats": usage,
        "is_active": False,
    }
    await Tool.collection().update_one({"name": "faq"}, {"$set": foreign})

    await asyncio.gather(*(tool_service.seed_tools() for _ in range(3)))

    after = (await stored())["faq"]
    assert after["description"] == before["description"]
    assert after["implementation"] == before["implementation"]
    assert (after["usage_stats"], after["is_active"]) == (usage, False)
    assert (after["_id"], after["createdAt"]) == (before["_id"], before["createdAt"])


async def test_a_custom_tool_of_the_same_name_is_left_alone() -> None:
    custom = {"_id": new_id(), "name": "faq", "description": "Ours.", "is_system_tool": False}
    await Tool.collection().delete_one({"name": "faq"})
    await Tool.collection().insert_one(dict(custom))

    await tool_service.seed_tools()

    assert (await stored())["faq"] == custom
