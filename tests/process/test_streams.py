"""Answers that are still being made: as a reader sees them, when he leaves, and when the server stops or dies."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.database import drop_database, with_database
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply, half_stream
from tests.process.conftest import vendor_of
from tests.process.service import SECRETS, SLACK_SECONDS, nobody_listens, serving, until
from tests.process.tenant import Tenant, all_messages, frames_of, settle

DRAIN_SECONDS = 2
Frames = AsyncIterator[dict[str, Any]]


@dataclass(frozen=True)
class Talk:
    """A service with a person who talks to an agent."""

    client: httpx2.AsyncClient
    tenant: Tenant


@pytest.fixture(scope="module")
async def talk(
    tmp_path_factory: pytest.TempPathFactory, mongodb_uri: str, provider_server: FakeProvider
) -> AsyncIterator[Talk]:
    """A service for the tests that leave it running."""
    uri = with_database(mongodb_uri, f"crafter_streams_{os.getpid()}")
    variables = {"MONGODB_URI": uri, **SECRETS, **vendor_of(provider_server)}
    async with serving(tmp_path_factory.mktemp("talk"), **variables) as service, service.client() as client:
        yield Talk(client, await settle(client))
    drop_database(uri)


@asynccontextmanager
async def begun(client: httpx2.AsyncClient, tenant: Tenant, text: str) -> AsyncIterator[Frames]:
    """The rest of a stream, once its first piece has been read."""
    async with client.stream("POST", f"{tenant.chat}/stream", json=tenant.says(text)) as response:
        assert response.status_code == 200
        frames = frames_of(response)
        assert (await anext(frames))["type"] == "connected"
        assert await anext(frames) == {"type": "response_chunk", "content": "one"}
        yield frames


async def stored(client: httpx2.AsyncClient, tenant: Tenant) -> dict[str, list[dict[str, Any]]]:
    """The messages of each conversation of the project, by what was said first."""
    rows = (await client.get(f"{tenant.home}/conversations", params={"limit": 100})).json()["data"]
    conversations = [await all_messages(client, tenant, row["_id"]) for row in rows]
    return {messages[0]["content"]: messages for messages in conversations}


async def test_pieces_arrive_while_the_model_is_still_talking(talk: Talk, provider: FakeProvider) -> None:
    gate = asyncio.Event()
    provider.script(Reply("one two", gate=gate))

    async with begun(talk.client, talk.tenant, "Hello") as frames:
        gate.set()
        rest = [frame async for frame in frames]

    assert [frame["type"] for frame in rest] == ["response_chunk", "complete"]
    assert rest[0]["content"] == " two"


async def test_the_whole_answer_is_stored_when_its_reader_leaves(talk: Talk, provider: FakeProvider) -> None:
    gate = asyncio.Event()
    provider.script(Reply("one two three", gate=gate))

    async with begun(talk.client, talk.tenant, "I have to go"):
        pass
    gate.set()

    async def answered() -> Any:
        messages = (await stored(talk.client, talk.tenant))["I have to go"]
        return messages if len(messages) > 1 else None

    [_, answer] = await until(answered)
    assert (answer["content"], answer["metadata"]["state"]) == ("one two three", "complete")
    assert answer["token_usage"]["total_tokens"] > 0


async def test_what_was_said_is_kept_when_the_vendor_dies_half_way(
    talk: Talk, provider: FakeProvider
) -> None:
    provider.script(half_stream)
    body = talk.tenant.says("Die, vendor")

    async with talk.client.stream("POST", f"{talk.tenant.chat}/stream", json=body) as response:
        frames = [frame async for frame in frames_of(response)]

    said = "".join(frame["content"] for frame in frames if frame["type"] == "response_chunk")
    [_, answer] = (await stored(talk.client, talk.tenant))["Die, vendor"]
    assert frames[-1]["type"] == "error"
    assert (answer["content"], answer["metadata"]["state"]) == (said, "partial")


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_stopping_server_lets_answers_finish_and_says_so_where_it_cannot_wait(
    tmp_path: Path, on_server: dict[str, str], provider: FakeProvider, workers: str
) -> None:
    finish, never = asyncio.Event(), asyncio.Event()
    texts = ("finite", "endless", "left", "whole")
    provider.script(Reply("one two", gate=finish), *(Reply("one two", gate=never) for _ in texts[1:]))
    variables = {**on_server, "CRAFTER_DRAIN_SECONDS": str(DRAIN_SECONDS)}
    async with serving(tmp_path, "--workers", workers, **variables) as service:
        async with service.client() as client, AsyncExitStack() as stack:
            tenant = await settle(client)
            finite, endless = [
                await stack.enter_async_context(begun(client, tenant, text)) for text in texts[:2]
            ]
            async with begun(client, tenant, "left"):
                pass
            whole = asyncio.create_task(client.post(tenant.chat, json=tenant.says("whole")))
            await provider.received(len(texts))
            asked_to_stop = time.monotonic()
            service.send(signal.SIGTERM)
            await until(lambda: nobody_listens(service.url))
            finish.set()
            finite_end = [frame async for frame in finite][-1]
            endless_end = [frame async for frame in endless][-1]
            refused = await whole
            code = await service.ended()
            seconds = time.monotonic() - asked_to_stop
        log = service.log
        await service.start()
        async with service.client(headers=tenant.headers) as client:
            kept = await stored(client, tenant)

    assert finite_end["type"] == "complete"
    assert (endless_end["type"], endless_end["code"]) == ("error", "TURN_INTERRUPTED")
    assert (refused.status_code, refused.json()["code"]) == (503, "TURN_INTERRUPTED")
    assert int(refused.headers["retry-after"]) > 0
    assert (code, seconds < DRAIN_SECONDS + 5 + SLACK_SECONDS) == (0, True)
    assert "Traceback" not in log
    answers = {text: [(m["content"], m["metadata"]["state"]) for m in kept[text][1:]] for text in texts}
    assert answers == {
        "finite": [("one two", "complete")],
        "endless": [("one", "partial")],
        "left": [("one", "partial")],
        "whole": [],
    }


@pytest.mark.faults
async def test_a_killed_server_leaves_conversations_that_go_on(
    tmp_path: Path, on_server: dict[str, str], provider: FakeProvider
) -> None:
    texts = [f"question {number}" for number in range(5)]
    provider.script(*(Reply("one two", gate=asyncio.Event()) for _ in texts))
    async with serving(tmp_path, **on_server) as service:
        async with service.client() as client, AsyncExitStack() as stack:
            tenant = await settle(client)
            for text in texts:
                await stack.enter_async_context(begun(client, tenant, text))
            await service.kill()
            with suppress(httpx2.TransportError):
                await stack.aclose()
        await service.start()
        async with service.client(headers=tenant.headers) as client:
            rows = (await client.get(f"{tenant.home}/conversations")).json()["data"]
            answers = [
                await client.post(tenant.chat, json=tenant.says("Are you there?", row["_id"])) for row in rows
            ]
            kept = await stored(client, tenant)

    assert [answer.status_code for answer in answers] == [200] * len(texts)
    assert sorted(kept) == texts
    for question, messages in kept.items():
        said = [message["content"] for message in messages]
        assert said == [question, "Are you there?", "You said: Are you there?"]
