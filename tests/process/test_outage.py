"""The database is gone for a while: the service lives, says so in time, and goes on by itself when it is back."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pymongo import AsyncMongoClient

from crafter.core.embedded_process import free_port
from tests.database import BareMongod, bare_mongod
from tests.factories import PASSWORD
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply
from tests.process.service import SECRETS, SLACK_SECONDS, serving, until
from tests.process.tenant import begin, frames_of, settle

TIMEOUT_SECONDS = 2.0
"""What a database operation may take."""

pytestmark = pytest.mark.faults


class Database:
    """A replica set of one member that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._running = AsyncExitStack()
        self._mongod: BareMongod | None = None

    @property
    def settings(self) -> dict[str, str]:
        """How a service connects to it."""
        uri = f"mongodb://127.0.0.1:{self.port}/crafter?replicaSet=rs0"
        return {"MONGODB_URI": uri, "CRAFTER_DATABASE_TIMEOUT": str(TIMEOUT_SECONDS), **SECRETS}

    async def start(self) -> None:
        """Start it, and wait until it takes writes."""
        server = bare_mongod(self._folder, "--replSet", "rs0", port=self.port)
        first = self._mongod is None
        self._mongod = await self._running.enter_async_context(server)
        async with AsyncMongoClient[dict[str, Any]](self._mongod.address, directConnection=True) as client:
            if first:
                config = {"_id": "rs0", "members": [{"_id": 0, "host": self._mongod.address}]}
                await client.admin.command("replSetInitiate", config)

            async def takes_writes() -> Any:
                return (await client.admin.command("hello"))["isWritablePrimary"]

            await until(takes_writes)

    async def kill(self) -> None:
        """SIGKILL."""
        await self._running.aclose()

    def freeze(self) -> None:
        """SIGSTOP: it takes connections, and never answers."""
        assert self._mongod is not None
        self._mongod.process.send_signal(signal.SIGSTOP)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "database")
    await database.start()
    yield database
    await database.kill()


async def timed(answer: Any) -> tuple[float, httpx2.Response]:
    """An answer, and how long it took."""
    started = time.monotonic()
    response = await answer
    return time.monotonic() - started, response


async def test_requests_are_refused_in_time_and_work_again_without_a_restart(
    tmp_path: Path, database: Database, on_its_own: dict[str, str]
) -> None:
    async with serving(tmp_path, **database.settings, **on_its_own) as service, service.client() as client:
        tenant = await settle(client)
        conversation = await begin(client, tenant)
        login = {"email": "alice@example.com", "password": PASSWORD}
        message = {"role": "user", "content": "Hello"}

        await database.kill()
        lost = time.monotonic()
        asked = [
            ask
            for _ in range(10)
            for ask in (
                client.post("/auth/login", json=login),
                client.get(tenant.home),
                client.post(tenant.messages(conversation), json=message),
                client.post(tenant.chat, json=tenant.says("Hello")),
                client.post(f"{tenant.chat}/stream", json=tenant.says("Hello")),
            )
        ]
        answers = await asyncio.gather(*(timed(ask) for ask in asked))
        alive = await client.get(f"{service.url}/health/live")
        ready = await client.get(f"{service.url}/health/ready")
        noticed = time.monotonic() - lost
        await database.start()
        await service.ready()
        again = await client.post(tenant.messages(conversation), json=message)

    assert {response.status_code for _, response in answers} == {503}
    assert all(response.json()["code"] == "DATABASE_UNAVAILABLE" for _, response in answers)
    assert all(int(response.headers["retry-after"]) > 0 for _, response in answers)
    assert max(seconds for seconds, _ in answers) < TIMEOUT_SECONDS + SLACK_SECONDS
    assert (alive.status_code, ready.status_code) == (200, 503)
    assert "database" in ready.json()["checks"]
    assert noticed < 5 + SLACK_SECONDS
    assert again.status_code == 201


async def test_a_turn_whose_answer_cannot_be_stored_says_so_and_does_not_keep_the_server_from_stopping(
    tmp_path: Path, database: Database, on_its_own: dict[str, str], provider: FakeProvider
) -> None:
    gate = asyncio.Event()
    provider.script(Reply("one two", gate=gate, gate_after=0), Reply("one two", gate=gate, gate_after=1))
    async with serving(tmp_path, **database.settings, **on_its_own) as service, service.client() as client:
        tenant = await settle(client)
        whole = asyncio.create_task(client.post(tenant.chat, json=tenant.says("Hello")))
        await provider.received(1)
        async with client.stream("POST", f"{tenant.chat}/stream", json=tenant.says("Hello")) as response:
            frames = frames_of(response)
            first = [await anext(frames), await anext(frames)]
            await database.kill()
            gate.set()
            rest = [frame async for frame in frames]
        answer = await whole
        stopping = time.monotonic()
        code = await service.stop()
        stopped = time.monotonic() - stopping

    assert [frame["type"] for frame in first] == ["connected", "response_chunk"]
    assert (rest[-1]["type"], rest[-1]["code"]) == ("error", "DATABASE_UNAVAILABLE")
    assert (answer.status_code, answer.json()["code"]) == (503, "DATABASE_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) > 0
    assert (code, stopped < 5 + SLACK_SECONDS) == (0, True)


async def test_a_server_that_stops_does_not_wait_for_a_database_that_hangs(
    tmp_path: Path, database: Database
) -> None:
    patient = {**database.settings, "CRAFTER_DATABASE_TIMEOUT": "60", "CRAFTER_DRAIN_SECONDS": "0"}
    async with serving(tmp_path, **patient) as service, service.client() as client:
        tenant = await settle(client)
        database.freeze()
        waiting = asyncio.create_task(client.get(tenant.home))
        await asyncio.sleep(0)
        await client.get(f"{service.url}/health/live")
        started = time.monotonic()
        code = await service.stop()
        answer = await waiting

    assert code == 0
    assert time.monotonic() - started < 5 + SLACK_SECONDS
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
