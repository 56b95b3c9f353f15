"""Documents of the Node server get their tenants."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from crafter.migrations import runner
from crafter.migrations.registry import Db, all_migrations

COLLECTIONS = (
    "projects",
    "agents",
    "apikeys",
    "prompts",
    "promptexecutions",
    "conversations",
    "agentexecutions",
    "sessiontokens",
)


@pytest.fixture
async def db(mongodb_uri: str) -> AsyncIterator[Db]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongodb_uri, tz_aware=True)
    database = client.get_database(client.get_default_database().name + "_m0001")
    yield database
    await client.drop_database(database.name)
    await client.close()


async def node_database(db: Db, count: int) -> None:
    await db.projects.insert_one({"_id": "p", "organization": "o", "name": "P"})
    await db.agents.insert_one({"_id": "a", "organization": "o", "project": "p"})
    for name in ("apikeys", "prompts", "promptexecutions"):
        await db[name].insert_many({"_id": f"{name}{n}", "project": "p"} for n in range(count))
        await db[name].insert_one({"_id": "orphan", "project": "gone"})
    for name in ("conversations", "agentexecutions", "sessiontokens"):
        await db[name].insert_many({"_id": f"{name}{n}", "agent": "a", "messages": []} for n in range(count))
        await db[name].insert_one({"_id": "orphan", "agent": "gone"})


async def test_every_document_gets_the_tenant_that_it_is_reached_through(db: Db) -> None:
    await node_database(db, 1_203)
    await db.conversations.insert_one({"_id": "ours", "organization": "o2", "project": "p2", "agent": "a"})

    await runner.up(db, all_migrations(), target="0001")

    for name in ("apikeys", "prompts", "promptexecutions"):
        assert await db[name].count_documents({"organization": "o", "project": "p"}) == 1_203
    for name in ("conversations", "agentexecutions", "sessiontokens"):
        assert await db[name].count_documents({"organization": "o", "project": "p"}) == 1_203
    for name in COLLECTIONS[2:]:
        orphan = await db[name].find_one({"_id": "orphan"})
        assert orphan is not None
        assert "organization" not in orphan
    assert (await db.conversations.find_one({"_id": "ours"}))["organization"] == "o2"  # type: ignore[index]


async def test_it_can_be_taken_back_to_the_last_field(db: Db) -> None:
    await node_database(db, 7)
    before = [await db[name].find({}, sort=[("_id", 1)]).to_list() for name in COLLECTIONS]
    await runner.up(db, all_migrations(), target="0001")

    await runner.down(db, all_migrations()[:1])

    assert [await db[name].find({}, sort=[("_id", 1)]).to_list() for name in COLLECTIONS] == before


async def test_a_run_that_was_cut_off_half_way_is_finished_by_the_next(db: Db) -> None:
    await node_database(db, 20)
    await db.apikeys.update_many({"_id": {"$lt": "apikeys15"}}, {"$set": {"organization": "o"}})

    await runner.up(db, all_migrations(), target="0001")

    assert await db.apikeys.count_documents({"organization": "o"}) == 20
