"""What was acknowledged is there: exactly once and in order, whichever process is killed meanwhile."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from crafter.core.embedded_process import free_port
from tests.process.service import Service, serving, until
from tests.process.tenant import Tenant, all_messages, begin, settle

WRITERS = 4
ROUNDS = 3

pytestmark = pytest.mark.faults


@dataclass
class Writer:
    """Says one thing after another in a conversation of its own, and remembers what was acknowledged."""

    tenant: Tenant
    conversation: str
    acknowledged: list[str] = field(default_factory=list)
    refused: list[httpx2.Response] = field(default_factory=list)
    unreachable: int = 0

    async def write(self, client: httpx2.AsyncClient) -> None:
        """Go on until cancelled."""
        number = 0
        while True:
            number += 1
            await self._attempt(client, f"message {number}")

    async def say(self, client: httpx2.AsyncClient, text: str) -> httpx2.Response:
        """Add one message."""
        path = self.tenant.messages(self.conversation)
        return await client.post(path, json={"role": "user", "content": text})

    def expected(self) -> list[str]:
        """What has to be there."""
        return self.acknowledged

    async def _attempt(self, client: httpx2.AsyncClient, text: str) -> None:
        try:
            response = await self.say(client, text)
        except httpx2.TransportError:
            self.unreachable += 1
            await asyncio.sleep(0.05)
            return
        if response.is_success:
            self.acknowledged.append(text)
        else:
            self.refused.append(response)


class Talker(Writer):
    """Talks to the agent instead."""

    async def say(self, client: httpx2.AsyncClient, text: str) -> httpx2.Response:
        """One turn."""
        return await client.post(self.tenant.chat, json=self.tenant.says(text, self.conversation))

    def expected(self) -> list[str]:
        """Questions and answers in turn."""
        return [words for text in self.acknowledged for words in (text, f"You said: {text}")]


async def test_messages_survive_a_killed_database_which_is_started_again(
    tmp_path: Path, on_its_own: dict[str, str]
) -> None:
    async with serving(tmp_path, **on_its_own) as service, writing(service) as writers:
        for _ in range(ROUNDS):
            killed = service.mongod_pid()
            os.kill(killed, signal.SIGKILL)
            await progress(writers)
            assert service.mongod_pid() != killed

    assert sum(writer.unreachable for writer in writers) == 0
    assert_honest(writers)


async def test_callers_are_told_when_the_database_is_away_longer_than_they_can_wait(
    tmp_path: Path, on_its_own: dict[str, str]
) -> None:
    variables = {**on_its_own, "CRAFTER_DATABASE_TIMEOUT": "1"}
    async with serving(tmp_path, **variables) as service, writing(service) as writers:
        os.kill(service.mongod_pid(), signal.SIGSTOP)
        await until(lambda: all(writer.refused for writer in writers))
        os.kill(service.mongod_pid(), signal.SIGKILL)
        await progress(writers)

    assert_honest(writers)


async def test_messages_survive_a_killed_service(tmp_path: Path, on_its_own: dict[str, str]) -> None:
    port = str(free_port())
    async with serving(tmp_path, "--port", port, **on_its_own) as service, writing(service) as writers:
        for _ in range(ROUNDS - 1):
            await service.kill()
            await service.start()
            await progress(writers)

    assert_honest(writers)


@asynccontextmanager
async def writing(service: Service) -> AsyncIterator[list[Writer]]:
    """Writers at work; afterwards, what they were promised is compared with what is stored."""
    async with service.client() as client:
        tenant = await settle(client)
        conversations = [await begin(client, tenant) for _ in range(WRITERS)]
        writers = [Writer(tenant, conversation) for conversation in conversations[:-1]]
        writers.append(Talker(tenant, conversations[-1]))
        tasks = [asyncio.create_task(writer.write(client)) for writer in writers]
        try:
            await progress(writers)
            yield writers
        finally:
            for task in tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks)
        for writer in writers:
            assert_kept(writer, await all_messages(client, tenant, writer.conversation))


async def progress(writers: list[Writer], more: int = 5) -> None:
    """Wait until each writer was acknowledged some more."""
    goals = [(writer, len(writer.acknowledged) + more) for writer in writers]
    await until(lambda: all(len(writer.acknowledged) >= goal for writer, goal in goals))


def assert_kept(writer: Writer, stored: list[dict[str, Any]]) -> None:
    """Everything that was acknowledged is there once, in order; beside it only what was not acknowledged."""
    said = [message["content"] for message in stored]
    promised = set(writer.expected())

    assert [words for words in said if words in promised] == writer.expected()
    assert len(said) == len(set(said))
    assert [message["seq"] for message in stored] == list(range(1, len(stored) + 1))


def assert_honest(writers: list[Writer]) -> None:
    """Whoever was refused was told to come again."""
    refused = [response for writer in writers for response in writer.refused]

    assert {response.status_code for response in refused} <= {503}
    assert all(int(response.headers["retry-after"]) > 0 for response in refused)
