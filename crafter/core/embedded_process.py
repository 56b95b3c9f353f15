"""One mongod process: finding the program, starting it, ending it, and saying in a sentence why it failed."""

import asyncio
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from crafter.core.config import ConfigurationError
from crafter.core.embedded_files import INSTEAD, unusable

REPLICA_SET = "crafter"
READY_SECONDS = 60.0
STOP_SECONDS = 20.0
LOG_BYTES = 4 * 1024 * 1024
"""The log starts anew above this size; the one before is kept as ``mongod.log.1``."""

_POLL_SECONDS = 0.02
_TAIL_BYTES = 64 * 1024
_PORT_TAKEN = 48
_NOT_INITIATED = 94

# No scripting, compression or diagnostics; no lines about slow queries, since they hold values; no socket
# file, since a stale one of another user would stop the start.
_OPTIONS = (
    "--bind_ip", "127.0.0.1", "--nounixsocket", "--replSet", REPLICA_SET, "--noscripting",
    "--networkMessageCompressors", "disabled", "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64",
    "--logappend", "--logRotate", "reopen", "--quiet", "--slowms", "2000000000",
    "--setParameter", "diagnosticDataCollectionEnabled=false",
)  # fmt: skip

# Linux ends the server when the thread that started it is gone, however it went: PR_SET_PDEATHSIG, that is 1.
# A launcher asks for it: code between fork and exec, in a process with threads, is not safe.
_LAUNCHER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""

_NOT_READY = "The embedded MongoDB is not ready after {seconds:g} s: see {log}."
_MISSING_LIBRARY = re.compile(r"[Ee]rror (?:while )?loading shared librar(?:ies:|y) ([^:\s]+):")
_CANNOT_EXECUTE = re.compile(r"\w*Error: \[Errno \d+\] (.+)")
_DEBIAN_PACKAGES = {
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "libssl.so.1.1": "libssl1.1",
    "libcrypto.so.1.1": "libssl1.1",
    "liblzma.so.5": "liblzma5",
    "libgcc_s.so.1": "libgcc-s1",
    "libresolv.so.2": "libc6",
    "libm.so.6": "libc6",
}


class PortTaken(ConfigurationError):
    """Something else listens on the port that was tried."""


def find_mongod() -> Path | None:
    """The mongod to run: the one on PATH, else the one in the wheel, of which nothing is imported."""
    if on_path := shutil.which("mongod"):
        return Path(on_path)
    wheel = importlib.util.find_spec("fiftyone")
    for folder in (wheel.submodule_search_locations or ()) if wheel else ():
        program = Path(folder) / "db" / "bin" / "mongod"
        if os.access(program, os.X_OK):
            return program
    return None


def free_port() -> int:
    """A loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Mongod:
    """A running server: the only, writable member of its replica set."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, log: Path, log_start: int) -> None:
        self.port = port
        self._process = process
        self._log = log
        self._log_start = log_start

    @classmethod
    async def start(cls, program: Path, data_dir: Path, port: int) -> "Mongod":
        """Start on this port and wait until it takes writes.

        Raises PortTaken, and ConfigurationError with the reason of the server itself.
        """
        folder, log = data_dir / "mongodb", data_dir / "mongod.log"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            output = _open_log(log)
        except OSError as error:
            raise unusable(data_dir, error) from None
        with output:
            log_start = output.tell()
            command = [program, "--dbpath", folder, "--port", port, "--logpath", log, *_OPTIONS]
            process = await _spawn([str(part) for part in command], output)
        server = cls(process, port, log, log_start)
        try:
            await server._become_ready(folder)
        except BaseException:
            await server.stop()
            raise
        return server

    async def ended(self, within_seconds: float) -> bool:
        """Wait until the process is gone, at most so long; whether it is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                await self._process.wait()
        return self._process.returncode is not None

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that has not ended after STOP_SECONDS."""
        with suppress(ProcessLookupError):
            self._process.terminate()
            if not await self.ended(STOP_SECONDS):
                self._process.kill()
        await self._process.wait()

    def shorten_log(self) -> None:
        """Begin a new log file if the present one is large; a log that cannot be moved just grows on."""
        with suppress(OSError):
            if _shorten(self._log):
                self._log_start = 0
                self._process.send_signal(signal.SIGUSR1)

    def failure(self) -> str:
        """Why the process ended, as well as its log tells."""
        code = self._process.returncode or 0
        if -code in (signal.SIGKILL, signal.SIGTERM):
            return f"it was ended from outside, by {signal.Signals(-code).name}"
        return _reason(self._log, self._log_start) or f"it ended with code {code}"

    async def _become_ready(self, folder: Path) -> None:
        """Lead the server to being a writable primary, looking again and again how far it is."""
        deadline = time.monotonic() + READY_SECONDS
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            "127.0.0.1",
            self.port,
            directConnection=True,
            serverMonitoringMode="poll",  # without the connection that the driver would open in the background
            serverSelectionTimeoutMS=1_000,
            socketTimeoutMS=5_000,
        )
        async with client:
            while not (await _listens(self.port) and await _is_primary(client.admin, self.port, folder)):
                if self._process.returncode is not None:
                    failed = PortTaken if self._process.returncode == _PORT_TAKEN else ConfigurationError
                    raise failed([_failed_to_start(self.failure(), self._log)])
                if time.monotonic() > deadline:
                    raise ConfigurationError([_NOT_READY.format(seconds=READY_SECONDS, log=self._log)])
                await asyncio.sleep(_POLL_SECONDS)


async def _spawn(command: list[str], output: BinaryIO) -> asyncio.subprocess.Process:
    """Start the program in a session of its own: a Ctrl-C in the terminal is for us, not for the database."""
    if sys.platform == "linux":
        command = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *command]
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    except OSError as error:
        raise ConfigurationError([_cannot_be_run(str(error.strerror))]) from None


async def _listens(port: int) -> bool:
    """Whether the port accepts connections; the driver itself would look only twice a second."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _is_primary(admin: AsyncDatabase[dict[str, Any]], port: int, folder: Path) -> bool:
    """Whether the server is the primary; if not, do what it lacks for that. False while it does not answer."""
    try:
        options = await admin.command("getCmdLineOpts")
        if options["parsed"].get("storage", {}).get("dbPath") != str(folder):
            return False  # somebody else's server got the port before ours, which is about to end
        if (await admin.command("hello")).get("isWritablePrimary"):
            return True
        await _configure(admin, f"127.0.0.1:{port}")
    except PyMongoError:
        pass
    return False


async def _configure(admin: AsyncDatabase[dict[str, Any]], member: str) -> None:
    """Make the server the one member of its replica set, under the address that it has now."""
    config = {"_id": REPLICA_SET, "version": 1, "members": [{"_id": 0, "host": member}]}
    try:
        current = await admin.command("replSetGetConfig")
    except OperationFailure as error:
        if error.code == _NOT_INITIATED:
            await admin.command("replSetInitiate", config)
        return
    if current["config"]["members"][0]["host"] != member:
        await admin.command("replSetReconfig", config, force=True)


def _open_log(log: Path) -> BinaryIO:
    """The log, at its end, for what the program prints beside its own log lines."""
    _shorten(log)
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def _shorten(log: Path) -> bool:
    if not log.exists() or log.stat().st_size <= LOG_BYTES:
        return False
    log.replace(log.with_name(f"{log.name}.1"))
    return True


def _failed_to_start(reason: str, log: Path) -> str:
    """The sentence for a server that did not start, with what to do about it where we know."""
    if missing := _MISSING_LIBRARY.search(reason):
        package = _DEBIAN_PACKAGES.get(missing[1])
        install = f"install it (Debian, Ubuntu: apt-get install {package})" if package else "install it"
        return f"The embedded MongoDB needs the library {missing[1]}: {install}, or set MONGODB_URI."
    if unfit := _CANNOT_EXECUTE.match(reason):
        return _cannot_be_run(unfit[1])
    return f"The embedded MongoDB did not start: {reason} (from {log})."


def _cannot_be_run(reason: str) -> str:
    return f"The embedded MongoDB cannot be run here ({reason}). {INSTEAD}"


def _reason(log: Path, offset: int) -> str | None:
    """The last line that tells something: an error of the server, else what was printed beside its log."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(offset, log.stat().st_size - _TAIL_BYTES))
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
        entries = list(_entries(lines))
        for severity in ("E", "F"):
            for entry in reversed(entries):
                if entry.get("s") == severity:
                    return _message(entry)
        plain = [line.strip() for line in lines if not line.startswith("{")]
        told = next((line for line in plain if _MISSING_LIBRARY.search(line)), plain[-1] if plain else None)
        return told[:300] if told else None
    return None


def _entries(lines: list[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        with suppress(ValueError):
            if isinstance(entry := json.loads(line), dict):
                yield entry


def _message(entry: dict[str, Any]) -> str:
    """``msg`` of a log entry, followed by the error in its attributes, which has one of several shapes."""
    attributes = entry.get("attr", {})
    details: list[Any] = [attributes.get(name) for name in ("message", "error", "reason")]
    for detail in details:
        if isinstance(detail, dict):
            detail = detail.get("error_str") or detail.get("errmsg")
        if isinstance(detail, str):
            return f"{entry.get('msg')}: {' '.join(detail.split())}"[:300].rstrip(".")
    return str(entry.get("msg"))[:300]
