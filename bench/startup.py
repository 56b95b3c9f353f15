"""How long ``crafter serve`` takes from its launch to its first answer, and how much memory an idle worker holds.

    python -m bench.startup --rounds 5

Each way of starting is timed several times, each time with a new process: the median, the fastest and the slowest
round, and the processor time that a start takes for itself (on a busy machine the rest is waiting). Memory is the
resident set of one process. It reads ``/proc``, so it runs on Linux.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import httpx2

from crafter.core.embedded import EmbeddedMongo
from crafter.core.embedded_process import free_port
from tests.database import with_database
from tests.fakes.provider import fake_provider
from tests.process.service import SECRETS, Service, serving
from tests.process.tenant import settle

EMBEDDED_BAR_SECONDS = 5.0
RUNNING_BAR_SECONDS = 2.0
MEMORY_BAR_MB = 150.0

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Start:
    """The seconds until the first answer, and the processor time of the service itself until then."""

    seconds: float
    cpu_seconds: float


async def main(rounds: int) -> bool:
    """Measure everything and print it; whether every bar is met."""
    with tempfile.TemporaryDirectory(prefix="crafter-bench-") as name:
        folder = Path(name)
        first = [await one_start(folder / f"new-{number}") for number in range(rounds)]
        again = [await one_start(folder / "new-0") for _ in range(rounds)]
        async with running_database(folder / "database") as uri:
            empty = [await one_start(folder, with_database(uri, f"new_{number}")) for number in range(rounds)]
            prepared = [await one_start(folder, with_database(uri, "new_0")) for _ in range(rounds)]
            print(
                f"{'launch to first answer':<34}{'median':>9}{'fastest':>9}{'slowest':>9}{'cpu':>8}{'bar':>7}"
            )
            met = [
                report_starts("embedded database, new", first, EMBEDDED_BAR_SECONDS),
                report_starts("embedded database, with data", again, EMBEDDED_BAR_SECONDS),
                report_starts("database is running, new", empty, RUNNING_BAR_SECONDS),
                report_starts("database is running, with data", prepared, RUNNING_BAR_SECONDS),
            ]
            print(f"\n{'resident memory of a worker':<34}{'MB':>9}{'bar':>33}")
            return all([*met, *await memory(folder / "memory", with_database(uri, "memory"))])


async def one_start(folder: Path, uri: str | None = None) -> Start:
    """Launch a service, wait for its first answer, and stop it."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    variables = {"MONGODB_URI": uri, **SECRETS} if uri else {}
    service = Service(folder, ("--port", str(port)), variables)
    began = perf_counter()
    await service.launch()
    try:
        async with httpx2.AsyncClient(timeout=60) as client:
            await first_answer(client, f"http://127.0.0.1:{port}/health/ready")
        return Start(perf_counter() - began, cpu_seconds(service.process.pid))
    finally:
        await service.stop()


async def first_answer(client: httpx2.AsyncClient, url: str) -> None:
    """Ask until there is an answer."""
    while True:
        try:
            answer = await client.get(url)
        except httpx2.ConnectError:
            await asyncio.sleep(0.005)
        else:
            assert answer.status_code == 200, answer.text
            return


async def memory(folder: Path, uri: str) -> list[bool]:
    """Print what an idle worker holds before and after its first turn; whether that meets the bar."""
    async with fake_provider() as provider:
        vendor = {
            "OPENAI_BASE_URL": provider.base_url,
            "CRAFTER_EGRESS_ALLOW": f"127.0.0.1:{provider.port}",
        }
        async with (
            serving(folder, MONGODB_URI=uri, **SECRETS, **vendor) as service,
            service.client() as client,
        ):
            idle = resident_mb(service.process.pid)
            tenant = await settle(client)
            settled = resident_mb(service.process.pid)
            answer = await client.post(tenant.chat, json=tenant.says("Hello"))
            assert answer.status_code == 200, answer.text
            talked = resident_mb(service.process.pid)
    return [
        report_memory("idle", idle),
        report_memory("after the first few requests", settled),
        report_memory("after the first chat (vendor SDK)", talked),
    ]


@asynccontextmanager
async def running_database(folder: Path) -> AsyncIterator[str]:
    """A database that is there before the service; its connection string."""
    mongo = await EmbeddedMongo.start(folder)
    try:
        yield mongo.uri
    finally:
        await mongo.stop()


def report_starts(name: str, starts: list[Start], bar: float) -> bool:
    """Print a line of the table; whether the median meets the bar."""
    seconds = [start.seconds for start in starts]
    median, cpu = statistics.median(seconds), statistics.median(start.cpu_seconds for start in starts)
    columns = f"{median:>8.2f}s{min(seconds):>8.2f}s{max(seconds):>8.2f}s{cpu:>7.2f}s{bar:>6.1f}s"
    print(f"{name:<34}{columns}{verdict(median, bar)}")
    return median <= bar


def report_memory(name: str, megabytes: float) -> bool:
    """Print a line of the table; whether it meets the bar."""
    print(f"{name:<34}{megabytes:>9.0f}{MEMORY_BAR_MB:>33.0f}{verdict(megabytes, MEMORY_BAR_MB)}")
    return megabytes <= MEMORY_BAR_MB


def verdict(value: float, bar: float) -> str:
    """What to say behind a bar."""
    return "" if value <= bar else "  MISSED"


def cpu_seconds(pid: int) -> float:
    """What the processor has done for a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mb(pid: int) -> float:
    """The resident set of a process, in units of 1024 * 1024 bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    sys.exit(0 if asyncio.run(main(parser.parse_args().rounds)) else 1)
