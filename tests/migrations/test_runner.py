"""Applying migrations and taking them back, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from crafter.migrations import runner
from crafter.migrations.lock import locked
from crafter.migrations.progress import Progress
from crafter.migrations.registry import Db, Migration, all_migrations
from crafter.migrations.runner import CannotUndo, MigrationFailed


@pytest.fixture
async def db(mongodb_uri: str) -> AsyncIterator[Db]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongodb_uri, tz_aware=True)
    database = client.get_default_database()
    names = ("schema_migrations", "migration_history", "locks", "things")
    for name in names:
        await database[name].delete_many({})
    yield database
    for name in names:
        await database[name].delete_many({})
    await client.close()


async def no_problems(_db: Db) -> list[str]:
    return []


def migration(
    version: str, up: Any, *, check: Any = no_problems, down: Any = None, checksum: str = "c"
) -> Migration:
    return Migration(version, f"m{version}", checksum, up, check, down)


def inserting(name: str) -> Any:
    async def up(db: Db, progress: Progress) -> None:
        await db.things.insert_one({"_id": name})
        await progress.add("things", 1)

    return up


async def removing(db: Db, progress: Progress) -> None:
    await db.things.delete_many({})


def states(found: list[runner.Status]) -> dict[str, str]:
    return {status.version: status.state for status in found}


async def test_what_is_pending_is_applied_once_and_in_order(db: Db) -> None:
    migrations = [migration("0001", inserting("a")), migration("0002", inserting("b"))]

    first, second = await runner.up(db, migrations), await runner.up(db, migrations)

    assert (first, second) == (["0001", "0002"], [])
    assert states(await runner.status(db, migrations)) == {"0001": "applied", "0002": "applied"}
    [one, two] = await runner.history(db)
    assert [one["version"], two["version"]] == ["0001", "0002"]
    assert one["counts"] == {"things": 1}
    assert one["outcome"] == "done"
    assert one["seconds"] >= 0


async def test_of_two_runners_one_applies(db: Db) -> None:
    migrations = [migration("0001", inserting("a"))]

    done = await asyncio.gather(*(runner.up(db, migrations) for _ in range(5)))

    assert sorted(done) == [[], [], [], [], ["0001"]]


async def test_a_target_leaves_later_ones_pending(db: Db) -> None:
    migrations = [migration("0001", inserting("a")), migration("0002", inserting("b"))]

    assert await runner.up(db, migrations, target="0001") == ["0001"]
    assert states(await runner.status(db, migrations)) == {"0001": "applied", "0002": "pending"}


async def test_an_interrupted_one_goes_on(db: Db) -> None:
    async def up(db: Db, progress: Progress) -> None:
        if await db.things.count_documents({}) == 0:
            await db.things.insert_one({"_id": "half"})
            raise ConnectionError("pulled the plug")
        await db.things.insert_one({"_id": "other half"})

    migrations = [migration("0001", up), migration("0002", inserting("b"))]
    with pytest.raises(MigrationFailed, match="pulled the plug"):
        await runner.up(db, migrations)
    failed = await runner.failures(db, migrations)

    assert await runner.up(db, migrations) == ["0001", "0002"]
    assert len(failed) == 1
    assert "pulled the plug" in failed[0]
    assert await runner.failures(db, migrations) == []


async def test_a_check_that_finds_something_marks_it_failed_and_stops(db: Db) -> None:
    async def check(_db: Db) -> list[str]:
        return ["thing a is broken"]

    migrations = [migration("0001", inserting("a"), check=check), migration("0002", inserting("b"))]

    with pytest.raises(MigrationFailed, match="thing a is broken"):
        await runner.up(db, migrations)

    assert states(await runner.status(db, migrations)) == {"0001": "failed", "0002": "pending"}
    assert "thing a is broken" in (await runner.failures(db, migrations))[0]


async def test_the_last_one_is_taken_back(db: Db) -> None:
    migrations = [
        migration("0001", inserting("a"), down=removing),
        migration("0002", inserting("b"), down=removing),
    ]
    await runner.up(db, migrations)

    assert await runner.down(db, migrations) == "0002"
    assert await db.things.count_documents({}) == 0
    assert states(await runner.status(db, migrations)) == {"0001": "applied", "0002": "pending"}


async def test_one_without_a_way_back_needs_a_backup(db: Db) -> None:
    migrations = [migration("0001", inserting("a"))]
    await runner.up(db, migrations)

    with pytest.raises(CannotUndo, match="backup"):
        await runner.down(db, migrations)
    assert await runner.down(db, migrations, have_backup=True) == "0001"
    assert await runner.down(db, migrations) is None


async def test_edited_and_unknown_ones_are_told_apart(db: Db) -> None:
    await runner.up(db, [migration("0001", inserting("a")), migration("0009", inserting("z"))])

    found = await runner.status(db, [migration("0001", inserting("a"), checksum="other")])

    assert states(found) == {"0001": "changed", "0009": "unknown"}


async def test_a_lock_whose_holder_died_is_taken_over(db: Db) -> None:
    from datetime import timedelta

    from crafter.core.time import utc_now

    await db.locks.insert_one({"_id": "x", "owner": "dead", "until": utc_now() - timedelta(seconds=1)})

    async with asyncio.timeout(10), locked(db.locks, "x"):
        assert await db.locks.count_documents({"_id": "x", "owner": {"$ne": "dead"}}) == 1
    assert await db.locks.count_documents({}) == 0


def test_this_release_has_its_migrations_in_order() -> None:
    versions = [found.version for found in all_migrations()]

    assert versions == sorted(versions)
    assert versions[0] == "0001"
    assert all(len(found.checksum) == 64 for found in all_migrations())
