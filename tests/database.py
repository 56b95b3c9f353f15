"""The MongoDB of a test run: one real server for all workers, and another database in it for each of them."""

import asyncio
import os
import shutil
import tempfile
import threading
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pymongo import AsyncMongoClient, MongoClient

from crafter.core.embedded import EmbeddedMongo
from crafter.core.embedded_files import LOCK_NAME, try_lock
from crafter.core.embedded_process import find_mongod, free_port

T = TypeVar("T")

PREFIX = "crafter-tests-"
ABANDONED_SECONDS = 60.0
MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 * 1024**3
NO_MONGOD = "no mongod on PATH or in an installed wheel, and MONGODB_URI_TEST is not set"


class SharedServer:
    """The server that MONGODB_URI_TEST names, else one of our own, started when first asked for."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._mongo: EmbeddedMongo | None = None
        self._data_dir: Path | None = None

    def uri(self) -> str | None:
        """Where the server is; None where there is no program to start one from."""
        if given := os.environ.get("MONGODB_URI_TEST"):
            return given
        if self._mongo is None:
            if find_mongod() is None:
                return None
            # The server ends with the thread that started it, so that one stays until the server is stopped.
            self._thread = threading.Thread(target=self._loop.run_forever, name="test database", daemon=True)
            self._thread.start()
            _remove_abandoned()
            self._data_dir = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_fastest_place()))
            self._mongo = self._run(EmbeddedMongo.start(self._data_dir))
        return self._mongo.uri

    def stop(self) -> None:
        """End our server and remove its data."""
        if self._thread is not None:
            if self._mongo is not None:
                self._run(self._mongo.stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        if self._data_dir is not None:
            shutil.rmtree(self._data_dir)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _fastest_place() -> Path:
    """Where the data of the tests is kept: in memory, if there is room, and nobody has chosen a place."""
    chosen = "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK)
    if chosen or shutil.disk_usage(MEMORY).free < ROOM_BYTES:
        return Path(tempfile.gettempdir())
    return MEMORY


def _remove_abandoned() -> None:
    """Remove the data of runs that were killed, 300 MB each: nobody has had its lock for a while."""
    for lock in _fastest_place().glob(f"{PREFIX}*/{LOCK_NAME}"):
        with suppress(OSError), lock.open() as file:
            if time.time() - lock.stat().st_mtime > ABANDONED_SECONDS and try_lock(file.fileno()):
                shutil.rmtree(lock.parent, ignore_errors=True)


def with_database(uri: str, name: str) -> str:
    """The same server and options, another database."""
    scheme, _, rest = uri.partition("://")
    address, _, options = rest.partition("?")
    address = address.partition("/")[0]
    return f"{scheme}://{address}/{name}" + (f"?{options}" if options else "")


def drop_database(uri: str) -> None:
    """Remove the database of this string."""
    with MongoClient[dict[str, Any]](uri) as client:
        client.drop_database(client.get_default_database().name)


@dataclass
class BareMongod:
    """A server that nobody watches: for the faults that ours does not have."""

    address: str
    process: Process

    async def initiate(self) -> None:
        """Make it the primary of a set of one; it was started with ``--replSet rs0``."""
        config = {"_id": "rs0", "members": [{"_id": 0, "host": self.address}]}
        async with AsyncMongoClient[dict[str, Any]](self.address, directConnection=True) as client:
            await client.admin.command("replSetInitiate", config)
            async with asyncio.timeout(20):
                while not (await client.admin.command("hello"))["isWritablePrimary"]:
                    await asyncio.sleep(0.02)


@asynccontextmanager
async def bare_mongod(folder: Path, *options: str, port: int | None = None) -> AsyncIterator[BareMongod]:
    """A mongod with these options, from accepting connections until the end of the block."""
    program = find_mongod()
    assert program is not None
    port = port or free_port()
    folder.mkdir(exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        program, "--dbpath", folder, "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket",
        "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64", *options, stdout=DEVNULL, stderr=DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            await _listening(port)
        yield BareMongod(f"127.0.0.1:{port}", process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
