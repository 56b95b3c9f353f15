"""What failures of the database look like to a caller, and that it recovers from them by itself."""

import asyncio
import signal
import time
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any

import pymongo
import pytest
from bson.errors import BSONError, InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
    WTimeoutError,
    _OperationCancelled,
)
from pymongo.pool_shared import _PoolClosedError

from crafter.core.database import Database, Session, describe_failure
from crafter.core.errors import Conflict, CrafterError, DatabaseUnavailable, TooLarge
from tests.core.conftest import settings_with
from tests.database import bare_mongod

Row = dict[str, Any]


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (AutoReconnect("h:1 closed"), DatabaseUnavailable),
        (NetworkTimeout("h:1 timed out"), DatabaseUnavailable),
        (NotPrimaryError("not primary"), DatabaseUnavailable),
        (ServerSelectionTimeoutError("none"), DatabaseUnavailable),
        (WaitQueueTimeoutError("queue"), DatabaseUnavailable),
        (ExecutionTimeout("maxTimeMS", 50), DatabaseUnavailable),
        (WTimeoutError("wtimeout", 64), DatabaseUnavailable),
        (WriteConcernError("not enough members", 100), DatabaseUnavailable),
        (_OperationCancelled("cancelled"), DatabaseUnavailable),
        (_PoolClosedError("closed"), DatabaseUnavailable),
        (
            OperationFailure("conflict", 112, {"errorLabels": ["TransientTransactionError"]}),
            DatabaseUnavailable,
        ),
        (OperationFailure("the result is too large", 10334), TooLarge),
        (OperationFailure("the result is too large", 17419), TooLarge),
        (DocumentTooLarge("17000000 bytes"), TooLarge),
        (DuplicateKeyError("E11000 dup key", 11000), Conflict),
        (OperationFailure("bad query", 2), None),
        (BulkWriteError({"writeErrors": [{"code": 2, "errmsg": "bad"}]}), None),
        (InvalidOperation("no such thing"), None),
        (InvalidDocument("cannot encode object"), None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failure_of_the_driver_has_one_meaning(
    error: Exception, meaning: type[CrafterError] | None
) -> None:
    described = describe_failure(error)

    assert (type(described) if described else None) is meaning
    assert described is None or str(error) not in f"{described} {described.details}"


async def test_a_second_document_with_the_same_key_is_a_conflict(database: Database) -> None:
    await database.db.rows.insert_one({"_id": 1})

    with pytest.raises(PyMongoError) as failed:
        await database.db.rows.insert_one({"_id": 1})

    assert isinstance(describe_failure(failed.value), Conflict)


async def test_a_document_that_outgrows_the_database_is_too_large(database: Database) -> None:
    half = "x" * 9_000_000
    await database.db.rows.insert_one({"_id": 1, "parts": [half]})

    with pytest.raises(PyMongoError) as grown:
        await database.db.rows.update_one({"_id": 1}, {"$push": {"parts": half}})
    with pytest.raises(BSONError) as sent:
        await database.db.rows.insert_one({"_id": 2, "parts": [half, half]})

    assert isinstance(describe_failure(grown.value), TooLarge)
    assert isinstance(describe_failure(sent.value), TooLarge)


async def test_a_query_beyond_its_deadline_is_unavailable(database: Database) -> None:
    await database.db.rows.insert_many([{"n": n} for n in range(2_000)])
    slow: list[Row] = [
        {"$lookup": {"from": "rows", "pipeline": [], "as": "all"}},
        {"$unwind": "$all"},
        {"$count": "n"},
    ]

    with pytest.raises(PyMongoError) as failed, pymongo.timeout(0.05):
        await database.db.rows.aggregate(slow)

    assert isinstance(describe_failure(failed.value), DatabaseUnavailable)


async def test_operations_after_the_close_are_unavailable(mongodb_uri: str) -> None:
    database = await Database.connect(mongodb_uri, settings_with(), [])
    await database.close()

    with pytest.raises(PyMongoError) as failed:
        await database.db.rows.find_one({})

    assert isinstance(describe_failure(failed.value), DatabaseUnavailable)
    assert await database.ping() is False


@pytest.mark.faults
async def test_without_its_server_everything_fails_in_time_and_recovers_by_itself(
    tmp_path: Path, mongodb_uri: str
) -> None:
    options = ("--replSet", "rs0", "--networkMessageCompressors", "disabled")
    async with bare_mongod(tmp_path / "db", *options) as server:
        await server.initiate()
        port = int(server.address.rpartition(":")[2])
        uri = f"mongodb://{server.address}/"
        database = await Database.connect(uri, settings_with(CRAFTER_DATABASE_TIMEOUT="2"), [])
        assert await database.ping()

    began = time.monotonic()
    failures = await asyncio.gather(
        *(database.db.rows.insert_one({"_id": n}) for n in range(200)), return_exceptions=True
    )
    assert time.monotonic() - began < 3
    assert {type(describe_failure(failure)) for failure in failures if isinstance(failure, Exception)} == {
        DatabaseUnavailable
    }
    assert len(failures) == 200
    assert await database.ping() is False

    async with bare_mongod(tmp_path / "db", *options, port=port):
        async with asyncio.timeout(10):
            while not await database.ping():
                await asyncio.sleep(0.02)
        await database.db.rows.insert_one({"_id": "afterwards"})
    await database.close()


def _stands(task: Path) -> bool:
    """Whether a thread was stopped, by the state that Linux tells of it after its name."""
    return (task / "stat").read_text().rpartition(") ")[2].startswith("T")


async def _stop(process: Process) -> None:
    """Stop a process, and wait until it stands: the signal takes its time to reach every thread."""
    process.send_signal(signal.SIGSTOP)
    async with asyncio.timeout(10):
        while not all(_stands(task) for task in Path(f"/proc/{process.pid}/task").iterdir()):
            await asyncio.sleep(0.01)


@pytest.mark.faults
async def test_a_server_that_hangs_is_not_ready_after_one_second_and_is_ready_when_it_goes_on(
    tmp_path: Path, mongodb_uri: str
) -> None:
    async with bare_mongod(tmp_path / "db", "--replSet", "rs0") as server:
        await server.initiate()
        uri = f"mongodb://{server.address}/"
        database = await Database.connect(uri, settings_with(CRAFTER_DATABASE_TIMEOUT="2"), [])

        await _stop(server.process)
        began = time.monotonic()
        assert await database.ping() is False
        assert time.monotonic() - began < 1.5
        with pytest.raises(PyMongoError) as failed:
            await database.db.rows.insert_one({"_id": 1})
        assert time.monotonic() - began < 5
        server.process.send_signal(signal.SIGCONT)

        assert isinstance(describe_failure(failed.value), DatabaseUnavailable)
        async with asyncio.timeout(10):
            while not await database.ping():
                await asyncio.sleep(0.02)
        await database.close()


@pytest.mark.faults
async def test_a_transaction_without_its_server_has_the_deadline_of_one_operation_and_closes(
    tmp_path: Path, mongodb_uri: str
) -> None:
    async with bare_mongod(tmp_path / "db", "--replSet", "rs0") as server:
        await server.initiate()
        uri = f"mongodb://{server.address}/"
        database = await Database.connect(uri, settings_with(CRAFTER_DATABASE_TIMEOUT="2"), [])

    async def work(session: Session) -> None:
        await database.db.rows.insert_one({}, session=session)

    began = time.monotonic()
    with pytest.raises(PyMongoError) as failed:
        await database.in_transaction(work)
    assert time.monotonic() - began < 3
    assert isinstance(describe_failure(failed.value), DatabaseUnavailable)

    began = time.monotonic()
    await database.close()
    assert time.monotonic() - began < 3
