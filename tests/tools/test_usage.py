"""How often a tool was used: exact, whoever counts at the same time."""

import asyncio
from typing import Any

from httpx2 import AsyncClient

from crafter.tools import service as tool_service
from crafter.tools.documents import Tool


async def usage(client: AsyncClient, name: str) -> dict[str, Any]:
    stats: dict[str, Any] = (await client.get(f"/tools/{name}/stats")).json()
    return stats["usage_stats"]


async def test_the_counters_and_the_mean_of_500_parallel_uses_are_exact(as_viewer: AsyncClient) -> None:
    durations = [n * n % 977 for n in range(500)]

    await asyncio.gather(
        *(
            tool_service.record_use("faq", succeeded=n >= 37, milliseconds=spent)
            for n, spent in enumerate(durations)
        )
    )

    assert await usage(as_viewer, "faq") == {
        "total_calls": 500,
        "success_calls": 463,
        "failed_calls": 37,
        "avg_execution_time_ms": sum(durations) / 500,
    }


async def test_counting_goes_on_from_what_the_node_server_counted(as_viewer: AsyncClient) -> None:
    stats = {"total_calls": 4, "success_calls": 3, "failed_calls": 1, "avg_execution_time_ms": 3.25}
    await Tool.collection().update_one({"name": "faq"}, {"$set": {"usage_stats": stats}})

    await tool_service.record_use("faq", succeeded=True, milliseconds=7)

    assert await usage(as_viewer, "faq") == {
        "total_calls": 5,
        "success_calls": 4,
        "failed_calls": 1,
        "avg_execution_time_ms": 4.0,
    }


async def test_the_last_use_is_known_and_seeding_keeps_it(as_viewer: AsyncClient) -> None:
    before = (await as_viewer.get("/tools/calculator/stats")).json()
    await tool_service.record_use("calculator", succeeded=True, milliseconds=1)

    await tool_service.seed_tools()

    after = (await as_viewer.get("/tools/calculator/stats")).json()
    assert "last_used_at" not in before
    assert after["last_used_at"].endswith("Z")
    assert after["usage_stats"]["total_calls"] == 1
