"""The connection: what it asks of every operation, transactions, the pool, and what is logged."""

import asyncio
import gc
import random
import secrets
from collections.abc import Mapping
from typing import Any

import anyio
import pytest
import structlog
from prometheus_client import REGISTRY
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from crafter.core.config import ConfigurationError
from crafter.core.database import Database, Session, client_options, current, in_transaction
from crafter.core.errors import NotFound
from tests.core.conftest import settings_with

CANARY = "correct-horse-battery"
Row = dict[str, Any]


class Recorder(CommandListener):
    """The commands that were sent."""

    def __init__(self) -> None:
        self.commands: list[Mapping[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.commands.append(event.command)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


def test_the_options_are_those_that_were_proved() -> None:
    settings = settings_with(CRAFTER_DATABASE_POOL="7", CRAFTER_DATABASE_TIMEOUT="3.5")

    assert client_options(settings) == {
        "appname": "crafter",
        "w": "majority",
        "journal": True,
        "readConcernLevel": "majority",
        "readPreference": "primary",
        "retryWrites": True,
        "retryReads": True,
        "timeoutMS": 3500,
        "connectTimeoutMS": 2000,
        "heartbeatFrequencyMS": 2000,
        "maxPoolSize": 7,
        "tz_aware": True,
        "uuidRepresentation": "standard",
        "datetime_conversion": "DATETIME_CLAMP",
        "unicode_decode_error_handler": "replace",
    }


WEAK = "w=1&journal=false&readConcernLevel=local&readPreference=secondary&retryWrites=false&retryReads=false"


async def test_operations_ask_for_durability_whatever_the_connection_string_says(mongodb_uri: str) -> None:
    recorder = Recorder()
    async with AsyncMongoClient[Row](
        f"{mongodb_uri}&{WEAK}", event_listeners=[recorder], **client_options(settings_with())
    ) as client:
        rows = client.get_default_database().rows
        await rows.insert_one({"_id": 1})
        assert await rows.find_one({"_id": 1}) == {"_id": 1}
        await rows.drop()
        insert, find, _ = recorder.commands

    assert insert["writeConcern"] == {"w": "majority", "j": True}
    assert insert["txnNumber"] is not None  # a retry is recognized as one
    assert find["readConcern"]["level"] == "majority"
    assert 0 < insert["maxTimeMS"] <= 20_000


async def test_a_weak_connection_string_still_connects_with_our_options(mongodb_uri: str) -> None:
    database = await Database.connect(f"{mongodb_uri}&{WEAK}&timeoutMS=0&maxPoolSize=1", settings_with(), [])
    await database.close()

    assert database.client.write_concern.document == {"w": "majority", "j": True}
    assert database.client.read_concern.level == "majority"
    assert database.client.options.timeout == 20
    assert database.client.options.pool_options.max_pool_size == 50


async def test_a_write_concern_that_may_time_out_early_is_refused(mongodb_uri: str) -> None:
    with pytest.raises(ConfigurationError, match="weakens the guarantees"):
        await Database.connect(f"{mongodb_uri}&wTimeoutMS=1", settings_with(), [])


async def test_the_default_write_concern_of_the_server_is_majority(database: Database) -> None:
    defaults = await database.client.admin.command("getDefaultRWConcern")

    assert defaults["defaultWriteConcern"] == {"w": "majority", "wtimeout": 0}


@pytest.mark.parametrize(("path", "name"), [("", "test"), ("/", "test"), ("/crafter", "crafter")])
async def test_the_database_is_the_one_of_the_connection_string(
    mongodb_uri: str, path: str, name: str
) -> None:
    address = mongodb_uri.partition("://")[2].partition("/")[0]
    database = await Database.connect(f"mongodb://{address}{path}", settings_with(), [])
    await database.close()

    assert database.db.name == name


async def test_the_current_database_is_the_open_one_that_was_connected_last(mongodb_uri: str) -> None:
    outer = await Database.connect(mongodb_uri, settings_with(), [])
    inner = await Database.connect(mongodb_uri, settings_with(), [])

    assert current() is inner
    await inner.close()
    assert current() is outer
    await outer.close()


# Transactions


async def test_a_transaction_does_all_of_it(database: Database) -> None:
    async def work(session: Session) -> str:
        await database.db.a.insert_one({"_id": 1}, session=session)
        await database.db.b.insert_one({"_id": 1}, session=session)
        return "done"

    assert current() is database
    assert await in_transaction(work) == "done"
    assert await database.db.a.count_documents({}) == 1
    assert await database.db.b.count_documents({}) == 1


async def test_a_transaction_that_fails_does_nothing_and_leaves_nothing_open(database: Database) -> None:
    async def work(session: Session) -> None:
        await database.db.a.insert_one({"_id": 1}, session=session)
        raise NotFound

    await database.db.create_collection("a")
    with pytest.raises(NotFound):
        await database.in_transaction(work)

    assert await database.db.a.count_documents({}) == 0
    assert await open_transactions(database) == 0


async def test_a_transaction_reads_one_point_in_time(database: Database) -> None:
    async def total(session: Session) -> int:
        rows = database.db.rows
        first = await rows.find_one({"_id": "first"}, session=session)
        await rows.update_many({}, {"$inc": {"n": 1}})  # somebody else, meanwhile
        second = await rows.find_one({"_id": "second"}, session=session)
        assert first is not None
        assert second is not None
        return int(first["n"] + second["n"])

    await database.db.rows.insert_many([{"_id": "first", "n": 1}, {"_id": "second", "n": 1}])

    assert await database.in_transaction(total) == 2


async def test_transactions_that_collide_are_repeated_until_each_counts_once(database: Database) -> None:
    async def work(session: Session) -> None:
        await database.db.counters.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=session)

    await database.db.counters.insert_one({"_id": 1, "n": 0})
    await asyncio.gather(*(database.in_transaction(work) for _ in range(20)))

    assert await database.db.counters.find_one({"_id": 1}) == {"_id": 1, "n": 20}
    assert await open_transactions(database) == 0


@pytest.mark.parametrize("how", ["task", "scope"])
async def test_a_cancelled_transaction_leaves_nothing_open(database: Database, how: str) -> None:
    begun = asyncio.Event()

    async def work(session: Session) -> None:
        await database.db.a.insert_one({"_id": 1}, session=session)
        begun.set()
        await asyncio.Event().wait()

    await database.db.create_collection("a")
    if how == "task":
        task = asyncio.create_task(database.in_transaction(work))
        await begun.wait()
        task.cancel()
        await asyncio.wait({task})
    else:
        async with anyio.create_task_group() as group:
            group.start_soon(database.in_transaction, work)
            await begun.wait()
            group.cancel_scope.cancel()

    async with asyncio.timeout(5):
        while await open_transactions(database):
            await asyncio.sleep(0.02)
    assert await database.db.a.count_documents({}) == 0


async def open_transactions(database: Database) -> int:
    status = await database.client.admin.command("serverStatus")
    return int(status["transactions"]["currentOpen"])


# The pool


def connections(state: str) -> float:
    return REGISTRY.get_sample_value("crafter_database_connections", {"state": state}) or 0


async def test_five_hundred_operations_share_fifty_connections(database: Database) -> None:
    before = connections("open")
    rows = database.db.rows
    await asyncio.gather(*(rows.insert_one({"_id": n}) for n in range(500)))
    found = await asyncio.gather(*(rows.find_one({"_id": n}) for n in range(500)))

    assert found == [{"_id": n} for n in range(500)]
    assert before < connections("open") <= before + 50
    assert connections("in_use") == 0


async def test_a_connection_in_use_is_counted_while_it_is(database: Database) -> None:
    await database.db.rows.insert_one({"_id": 1})
    waiting = asyncio.create_task(database.client.admin.command("hello", **await wait_for_change(database)))
    async with asyncio.timeout(5):
        while connections("in_use") != 1:
            await asyncio.sleep(0.01)

    waiting.cancel()
    await asyncio.wait({waiting})

    assert connections("in_use") == 0


async def wait_for_change(database: Database) -> Row:
    """Arguments with which ``hello`` takes seconds: it answers when something changes."""
    hello = await database.client.admin.command("hello")
    return {"topologyVersion": hello["topologyVersion"], "maxAwaitTimeMS": 5_000}


@pytest.mark.faults
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_cancelled_reads_never_get_each_others_answers_and_spoil_no_connection(
    mongodb_uri: str,
) -> None:
    database = await Database.connect(mongodb_uri, settings_with(CRAFTER_DATABASE_POOL="10"), [])
    rows = database.db.get_collection(f"rows_{secrets.token_hex(6)}")
    await rows.insert_many([{"_id": n} for n in range(100)])
    chance = random.Random(1)
    wrong = []
    cancelled = 0

    async def read(n: int) -> None:
        row = await rows.find_one({"_id": n})
        if row != {"_id": n}:
            wrong.append((n, row))

    for _ in range(20):
        tasks = [asyncio.create_task(read(chance.randrange(100))) for _ in range(100)]
        for task in chance.sample(tasks, 40):
            await asyncio.sleep(0)
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        cancelled += sum(isinstance(result, asyncio.CancelledError) for result in results)
        assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)

    assert cancelled > 200
    assert wrong == []
    assert connections("in_use") == 0
    assert [await rows.find_one({"_id": n}) for n in range(100)] == [{"_id": n} for n in range(100)]
    await rows.drop()
    await database.close()
    gc.collect()  # connections that the driver dropped at a cancellation without closing them warn now, not later


async def test_connections_that_were_closed_count_no_more(mongodb_uri: str) -> None:
    before = connections("open")
    database = await Database.connect(mongodb_uri, settings_with(), [])
    assert connections("open") > before
    await database.close()

    assert connections("open") == before


# Logs


async def test_debugging_shows_the_structure_of_commands_and_none_of_their_values(mongodb_uri: str) -> None:
    with structlog.testing.capture_logs() as logs:
        database = await Database.connect(mongodb_uri, settings_with(CRAFTER_LOG_LEVEL="debug"), [])
        rows = database.db.rows
        query = {"email": CANARY, "$or": [{"n": 424242}, {"m": {"$in": [CANARY, CANARY]}}]}
        await rows.update_one(query, {"$set": {"text": CANARY}}, upsert=True)
        await rows.find(query).to_list()
        with pytest.raises(PyMongoError):
            await rows.find({"$nonsense": CANARY}).to_list()
        await rows.drop()
        await database.close()

    find = next(line for line in logs if line.get("command") == "find")
    failed = next(line for line in logs if line["event"] == "database_command_failed")
    assert find["collection"] == "rows"
    assert find["milliseconds"] > 0
    assert find["structure"]["filter"] == {
        "email": "?",
        "$or": [{"n": "?"}, "… 2 in all"],
    }
    assert failed["code"] == 2
    assert CANARY not in str(logs)
    assert "424242" not in str(logs)


async def test_without_debugging_no_command_is_logged(mongodb_uri: str) -> None:
    with structlog.testing.capture_logs() as logs:
        database = await Database.connect(mongodb_uri, settings_with(), [])
        await database.close()

    assert [line["event"] for line in logs if line["log_level"] != "debug"] == ["database_connected"]
    assert not any("command" in line["event"] for line in logs)
