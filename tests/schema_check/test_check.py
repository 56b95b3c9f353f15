"""Checking what is stored: documents that do not fit are found by id and field, and nothing is changed."""

from typing import Any

from crafter.core.runtime import Runtime
from crafter.documents import ALL_DOCUMENTS
from crafter.schema_check.checker import CollectionReport, check
from tests.fixtures import Cast
from tests.world import make_world, snapshot


async def reports_of(runtime: Runtime, most: int = 100) -> dict[str, CollectionReport]:
    found = check(runtime.database.db, ALL_DOCUMENTS, most=most, progress=lambda *_: None)
    return {report.name: report async for report in found}


async def test_what_we_store_fits(cast: Cast, runtime: Runtime) -> None:
    await make_world(cast, runtime)
    before = await snapshot(runtime)
    reports = await reports_of(runtime)
    assert {name: report.violations for name, report in reports.items() if report.violating} == {}
    assert reports["agents"].checked > 0
    assert reports.keys() == {str(model.Settings.name) for model in ALL_DOCUMENTS}
    assert await snapshot(runtime) == before


async def test_what_does_not_fit_is_named_by_id_and_field_and_never_by_value(
    cast: Cast, runtime: Runtime
) -> None:
    world = await make_world(cast, runtime)
    agent, secret = world.ids["agent_id"], "canary-value"
    change: dict[str, Any] = {"type": secret, "config.max_tool_calls": {"$gt": secret}, "tools": [secret]}
    await runtime.database.db.agents.update_one({"_id": agent}, {"$set": change})
    report = (await reports_of(runtime))["agents"]
    assert [(one.id, one.fields) for one in report.violations] == [
        (agent, ["config.max_tool_calls", "tools.0", "type"])
    ]
    assert secret not in str(report)


async def test_of_many_only_the_first_are_listed_and_all_are_counted(cast: Cast, runtime: Runtime) -> None:
    await runtime.database.db.prompts.insert_many({"_id": f"p{n}", "name": n} for n in range(1_200))
    report = (await reports_of(runtime, most=3))["prompts"]
    assert (report.checked, report.violating, [one.id for one in report.violations]) == (
        1_200,
        1_200,
        ["p0", "p1", "p10"],
    )
