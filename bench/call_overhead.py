"""What the call path adds to a call of a model: the same provider, asked by the SDK alone and through Crafter.

    python -m bench.call_overhead --calls 2000 --delay-ms 50

Ten callers in one process on one core, a provider in another process that takes its time before it answers, and a
real MongoDB. The path is the whole one: connect, limits, the row of the ledger before the call, the row and the sums
afterwards. Both ways take turns within one run; what counts is the difference of the medians, of whole answers and of
the time to the first piece of a streamed one.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from time import perf_counter

import httpx2
from openai import AsyncOpenAI

from bench.startup import verdict
from crafter import bootstrap
from crafter.api_keys.documents import ApiKey
from crafter.calling.connection import connect
from crafter.calling.purposes import Purpose
from crafter.core.config import Settings, load_settings
from crafter.core.database import Database
from crafter.core.embedded import EmbeddedMongo
from crafter.core.embedded_process import free_port
from crafter.core.pagination import CursorSigner
from crafter.core.runtime import Runtime
from crafter.core.secrets import Keyring
from crafter.documents import ALL_DOCUMENTS
from crafter.llm.base import ChatMessage, ChatRequest
from crafter.llm.providers import ChatModels
from tests.factories import make_key, make_organization, make_project, make_user

CALLERS = 10
ROUNDS = 10
WHOLE_BAR_MS = 3.0
FIRST_BAR_MS = 5.0
MODEL = "gpt-4o-mini"
WORDS = "Say something short."
SECRET = "0123456789abcdef0123456789abcdef"

Ask = Callable[[], Awaitable[float]]
"""One call; answers the seconds that count."""


async def main(calls: int, delay_ms: float) -> bool:
    """Measure and print; whether both bars are met."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    async with _provider(delay_ms) as base_url, _path(base_url) as (runtime, key, models):
        client = AsyncOpenAI(api_key="sk-live-0123456789", base_url=base_url, max_retries=0)
        request = ChatRequest(MODEL, [ChatMessage("user", WORDS)])

        async def sdk_whole() -> float:
            started = perf_counter()
            await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": WORDS}])
            return perf_counter() - started

        async def path_whole() -> float:
            started = perf_counter()
            connection = await connect(key, MODEL, Purpose("chat"), runtime, models)
            await connection.model.complete(request)
            return perf_counter() - started

        async def sdk_first() -> float:
            started, first = perf_counter(), 0.0
            stream = await client.chat.completions.create(
                model=MODEL,
                messages=[{"role": "user", "content": WORDS}],
                stream=True,
                stream_options={"include_usage": True},
            )
            async for chunk in stream:
                if not first and chunk.choices and chunk.choices[0].delta.content:
                    first = perf_counter() - started
            return first

        async def path_first() -> float:
            started, first = perf_counter(), 0.0
            connection = await connect(key, MODEL, Purpose("chat"), runtime, models)
            async with aclosing(connection.model.stream(request)) as events:
                async for _ in events:
                    first = first or perf_counter() - started
            return first

        print(f"{'ten callers, one core':<30}{'SDK':>9}{'path':>9}{'more':>9}{'ratio':>8}{'bar':>8}")
        met = [
            _report("whole answer", await _alternate(sdk_whole, path_whole, calls), WHOLE_BAR_MS),
            _report("first piece of a stream", await _alternate(sdk_first, path_first, calls), FIRST_BAR_MS),
        ]
        await client.close()
        await models.aclose()
        return all(met)


async def _alternate(sdk: Ask, path: Ask, calls: int) -> tuple[list[float], list[float]]:
    """The times of both ways, which take turns; the first round warms up and does not count."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS + 1):
        for way, found in ((sdk, times[0]), (path, times[1])):
            taken = await _together(way, calls // ROUNDS)
            if number:
                found += taken
    return times


async def _together(ask: Ask, calls: int) -> list[float]:
    left = iter(range(calls))

    async def caller() -> list[float]:
        return [await ask() for _ in left]

    return [taken for each in await asyncio.gather(*(caller() for _ in range(CALLERS))) for taken in each]


def _report(name: str, times: tuple[list[float], list[float]], bar_ms: float) -> bool:
    sdk, path = (statistics.median(each) * 1000 for each in times)
    print(
        f"{name:<30}{sdk:>7.2f}ms{path:>7.2f}ms{path - sdk:>7.2f}ms{path / sdk:>8.2f}{bar_ms:>6.0f}ms", end=""
    )
    print(verdict(path - sdk, bar_ms))
    return path - sdk <= bar_ms


@asynccontextmanager
async def _provider(delay_ms: float) -> AsyncIterator[str]:
    """The base URL of a fake provider in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "tests.fakes.provider", "--port", str(port), "--delay-ms", str(delay_ms)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


@asynccontextmanager
async def _path(base_url: str) -> AsyncIterator[tuple[Runtime, ApiKey, ChatModels]]:
    """A prepared database, a key in a project, and the way to models."""
    with tempfile.TemporaryDirectory(prefix="crafter-bench-") as folder:
        mongo = await EmbeddedMongo.start(Path(folder))
        settings = _settings(mongo.uri, base_url)
        database = await Database.connect(mongo.uri, settings, ALL_DOCUMENTS)
        try:
            await bootstrap.prepare(database, everything=True)
            runtime = Runtime(
                settings=settings,
                database=database,
                keyring=Keyring.from_settings(settings),
                cursors=CursorSigner(SECRET),
            )
            project = await make_project(await make_organization(await make_user("bench@example.com")))
            yield runtime, await make_key(project, runtime.keyring), ChatModels.from_settings(settings)
        finally:
            await database.close()
            await mongo.stop()


def _settings(uri: str, base_url: str) -> Settings:
    return load_settings(
        {
            "MONGODB_URI": uri,
            "JWT_SECRET": SECRET,
            "ENCRYPTION_KEY": SECRET,
            "OPENAI_BASE_URL": base_url,
            "CRAFTER_EGRESS_ALLOW": f"127.0.0.1:{httpx2.URL(base_url).port}",
        }
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000, help="calls of each way")
    parser.add_argument("--delay-ms", type=float, default=50.0, help="how long the provider takes")
    options = parser.parse_args()
    sys.exit(not asyncio.run(main(options.calls, options.delay_ms)))
