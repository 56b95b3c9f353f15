"""Tasks that are still being done: when their reader leaves, and when the server stops or dies."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pymongo import MongoClient

from crafter.agent_executions.sweeping import INTERVAL_SECONDS
from crafter.execution.tasks.task import LEASE
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply
from tests.process.service import SLACK_SECONDS, serving, until
from tests.process.tenant import Tenant, frames_of, settle

DRAIN_SECONDS = 1

Frames = AsyncIterator[dict[str, Any]]


async def make_worker(client: httpx2.AsyncClient, tenant: Tenant) -> str:
    """An agent that runs tasks; its path."""
    agents = f"{tenant.home}/agents"
    helper = (await client.get(f"{agents}/{tenant.agent}")).json()
    body = {"name": "worker", "type": "task", "system_prompt": "Work.", "api_key": helper["api_key"]["_id"]}
    made = await client.post(agents, json={**body, "llm_settings": {"model": "gpt-4o-mini"}})
    assert made.status_code == 201, made.text
    return f"{agents}/{made.json()['_id']}"


@asynccontextmanager
async def begun(client: httpx2.AsyncClient, worker: str, text: str) -> AsyncIterator[Frames]:
    """The rest of a stream, once its first piece has been read."""
    async with client.stream("POST", f"{worker}/execute/stream", json={"input": text}) as response:
        assert response.status_code == 200
        frames = frames_of(response)
        assert (await anext(frames))["type"] == "connected"
        assert await anext(frames) == {"type": "response_chunk", "content": "one"}
        yield frames


async def runs_of(client: httpx2.AsyncClient, worker: str) -> list[dict[str, Any]]:
    """All runs of the agent, whole."""
    rows = (await client.get(f"{worker}/executions")).json()["executions"]
    return [(await client.get(f"{worker}/executions/{row['_id']}")).json() for row in rows]


async def test_a_task_is_done_although_its_reader_leaves_and_ends_with_the_server(
    tmp_path: Path, on_server: dict[str, str], provider: FakeProvider
) -> None:
    finite = asyncio.Event()
    provider.script(Reply("one two", gate=finite), Reply("one two", gate=asyncio.Event()))
    variables = {**on_server, "CRAFTER_DRAIN_SECONDS": str(DRAIN_SECONDS)}
    async with serving(tmp_path, **variables) as service:
        async with service.client() as client:
            tenant = await settle(client)
            worker = await make_worker(client, tenant)
            async with begun(client, worker, "left"):
                pass
            finite.set()

            async def done() -> bool:
                return [run["status"] for run in await runs_of(client, worker)] == ["completed"]

            await until(done)
            async with begun(client, worker, "endless") as endless:
                service.send(signal.SIGTERM)
                last = [frame async for frame in endless][-1]
                code = await service.ended()
        log = service.log
        await service.start()
        async with service.client(headers=tenant.headers) as client:
            kept = {run["input"]: run for run in await runs_of(client, worker)}

    assert (code, "Traceback" in log) == (0, False)
    assert (last["type"], last["code"]) == ("error", "TURN_INTERRUPTED")
    assert {text: (run["status"], run["output"]) for text, run in kept.items()} == {
        "left": ("completed", "one two"),
        "endless": ("failed", "one"),
    }
    assert kept["left"]["usage"]["total_tokens"] > 0
    assert kept["endless"]["error"]["code"] == "TURN_INTERRUPTED"


@pytest.mark.faults
@pytest.mark.slow
async def test_a_killed_server_leaves_no_task_running(
    tmp_path: Path, on_server: dict[str, str], own_uri: str, provider: FakeProvider
) -> None:
    texts = [f"task {number}" for number in range(5)]
    provider.script(*(Reply("one two", gate=asyncio.Event()) for _ in texts))
    async with serving(tmp_path, **on_server) as service:
        async with service.client() as client, AsyncExitStack() as stack:
            tenant = await settle(client)
            worker = await make_worker(client, tenant)
            for text in texts:
                await stack.enter_async_context(begun(client, worker, text))
            await service.kill()
            with suppress(httpx2.TransportError):
                await stack.aclose()
        end_leases(own_uri)
        await service.start()
        async with service.client(headers=tenant.headers) as client:

            async def over() -> Any:
                runs = await runs_of(client, worker)
                return all(run["status"] != "running" for run in runs) and runs

            runs = await until(over, INTERVAL_SECONDS + SLACK_SECONDS)

    assert LEASE.total_seconds() + INTERVAL_SECONDS <= 60
    assert sorted(run["input"] for run in runs) == texts
    assert {(run["status"], run["error"]["code"]) for run in runs} == {("failed", "INTERRUPTED")}
    assert {step["step"] for run in runs for step in run["thinking_process"]} == {"analyze_task"}


def end_leases(uri: str) -> None:
    """Let the time pass after which the leases are over."""
    with MongoClient[dict[str, Any]](uri) as client:
        done = client.get_default_database().agentexecutions.update_many(
            {"status": "running"}, {"$set": {"lease_until": datetime.now(UTC)}}
        )
    assert done.modified_count > 0
