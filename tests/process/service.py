"""The ``crafter`` command in processes of its own: run to its end, or serving until it is stopped or killed."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from crafter.core.embedded_files import try_lock

CRAFTER = Path(sys.executable).with_name("crafter")
SECONDS = 60.0
"""How long anything may take before we say that it does not happen; other tests use the machine too."""

SLACK_SECONDS = 3.0
"""What a busy machine may add to a deadline."""

SECRETS = {
    "JWT_SECRET": "a3f1c95d7be24860a3f1c95d7be24860",
    "ENCRYPTION_KEY": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
}
_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR")


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str
    seconds: float

    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Nothing of ours but what is given: a command must not depend on the shell that runs the tests."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    data = {"HOME": str(folder), "CRAFTER_DATA_DIR": str(folder / "data")}
    return {**inherited, **data, **variables}


async def crafter(folder: Path, *arguments: str, answer: str | None = None, **variables: str) -> Finished:
    """Run a command to its end; ``answer`` is what somebody types."""
    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        CRAFTER, *arguments, env=environment(folder, **variables), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(SECONDS):
            out, err = await process.communicate(None if answer is None else answer.encode())
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode(), time.monotonic() - started)


class Service:
    """A ``crafter serve`` that can be started again in the same folder, on the same data."""

    def __init__(self, folder: Path, arguments: tuple[str, ...], variables: dict[str, str]) -> None:
        self.data_dir = folder / "data"
        self.url = ""
        self._folder = folder
        self._arguments = arguments
        self._environment = environment(folder, **{"CRAFTER_RATE_LIMITS": "off", **variables})
        self._runs = 0
        self._process: Process | None = None

    @property
    def process(self) -> Process:
        """The latest process."""
        assert self._process is not None
        return self._process

    @property
    def out(self) -> str:
        """What the latest process told the person who started it."""
        return self._file("out").read_text()

    @property
    def log(self) -> str:
        """What the latest process has logged."""
        return self._file("log").read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The log, line by line."""
        return [json.loads(line) for line in self.log.splitlines()]

    async def start(self) -> None:
        """Launch it, and wait until it says where it listens."""
        await self.launch()
        self.url = await until(self._address)

    async def launch(self) -> None:
        """Start the process."""
        self._runs += 1
        with self._file("out").open("wb") as out, self._file("log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                CRAFTER, "serve", *self._arguments, env=self._environment,
                stdin=DEVNULL, stdout=out, stderr=log, start_new_session=True,
            )  # fmt: skip

    async def ready(self) -> None:
        """Wait until it can serve."""
        async with httpx2.AsyncClient(base_url=self.url, timeout=SECONDS) as client:

            async def is_ready() -> bool:
                with suppress(httpx2.TransportError):
                    return (await client.get("/health/ready")).status_code == 200
                return False

            await until(is_ready)

    def send(self, order: signal.Signals, *, to_all: bool = False) -> None:
        """Signal the process, or, as a terminal does, all processes of its session."""
        (os.killpg if to_all else os.kill)(self.process.pid, order)

    async def ended(self) -> int:
        """Wait until it is gone; its exit code."""
        async with asyncio.timeout(SECONDS):
            return await self.process.wait()

    async def stop(self) -> int:
        """SIGTERM, and wait; the exit code."""
        self.send(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        """SIGKILL, and wait."""
        self.send(signal.SIGKILL)
        await self.ended()

    def client(self, **options: Any) -> httpx2.AsyncClient:
        """A client of its API."""
        return httpx2.AsyncClient(base_url=f"{self.url}/api/v1", timeout=SECONDS, **options)

    def mongod_pid(self) -> int:
        """The process of the embedded database."""
        return int((self.data_dir / "mongodb" / "mongod.lock").read_text())

    def database_is_free(self) -> bool:
        """Whether no mongod has the data open."""
        descriptor = os.open(self.data_dir / "mongodb" / "mongod.lock", os.O_RDONLY)
        try:
            return try_lock(descriptor)
        finally:
            os.close(descriptor)

    def _file(self, kind: str) -> Path:
        return self._folder / f"{kind}-{self._runs}.txt"

    def _address(self) -> str | None:
        """Where it listens, once it says so."""
        found = re.search(r"^Crafter listens on (http://\S+)$", self.out, re.MULTILINE)
        assert found or self.process.returncode is None, f"it ended: {self.log}"
        return found and found[1]


@asynccontextmanager
async def serving(folder: Path, *arguments: str, **variables: str) -> AsyncIterator[Service]:
    """A service on a free port, embedded unless MONGODB_URI is given, for as long as the block runs."""
    folder.mkdir(exist_ok=True)
    given = arguments if "--port" in arguments else ("--port", "0", *arguments)
    service = Service(folder, given, variables)
    try:
        await service.start()
        await service.ready()
        yield service
    finally:
        await _end(service)


async def _end(service: Service) -> None:
    """Leave no process behind, whatever the test did."""
    if service.process.returncode is None:
        with suppress(TimeoutError):
            async with asyncio.timeout(20):
                await service.stop()
    with suppress(ProcessLookupError):
        service.send(signal.SIGKILL, to_all=True)
    await service.process.wait()


async def until(ask: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """Ask until the answer is neither empty nor false, and return it. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            answer = ask()
            if isinstance(answer, Awaitable):
                answer = await answer
            if answer:
                return answer
            await asyncio.sleep(0.05)


def nobody_listens(url: str) -> bool:
    """Whether a connection is refused."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0
