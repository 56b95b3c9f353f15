"""Calls that fail are made again where that may help, and each attempt is in the ledger."""

import asyncio
from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.calling import retrying
from crafter.core.errors import UpstreamFailed
from crafter.core.runtime import Runtime
from crafter.llm.errors import ProviderFailed, ProviderTimedOut
from tests.calls.test_ledger import calls_url
from tests.execution.test_chat import ASK, frames, url
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, half_stream, refuse
from tests.fixtures import Cast

ENDS = pytest.mark.parametrize("tail", ["/chat", "/chat/stream"], ids=["whole", "streamed"])


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Agent:
    """An agent whose calls are made again twice, without long pauses."""
    monkeypatch.setattr(runtime.settings, "provider_retries", 2)
    monkeypatch.setattr(retrying, "_pauses", lambda _: 0.0)
    made: Agent = await make_agent(cast.project, runtime.keyring)
    return made


async def attempts(client: httpx2.AsyncClient, agent: Agent) -> list[tuple[int, str]]:
    calls = (await client.get(calls_url(agent))).json()["data"]
    return [(call["attempt"], call["outcome"]) for call in reversed(calls)]


async def say(client: httpx2.AsyncClient, agent: Agent, tail: str) -> dict[str, Any]:
    """The answer, or the last frame of it."""
    answer = await client.post(url(agent, tail), json=ASK)
    body: dict[str, Any] = answer.json() if tail == "/chat" else frames(answer.text)[-1]
    return body


@ENDS
async def test_what_fails_for_a_moment_is_asked_again(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider, tail: str
) -> None:
    provider.script(Failure(500), refuse, Reply("Here I am."))
    body = await say(as_member, agent, tail)
    assert "conversation_id" in body
    assert await attempts(as_member, agent) == [(1, "error"), (2, "error"), (3, "success")]


@ENDS
async def test_there_is_an_end_of_it(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider, tail: str
) -> None:
    provider.script(*(Failure(503) for _ in range(5)))
    body = await say(as_member, agent, tail)
    assert body["error"].startswith("openai API Error: 503")
    assert await attempts(as_member, agent) == [(1, "error"), (2, "error"), (3, "error")]


@ENDS
@pytest.mark.parametrize(
    "script",
    [Failure(401), Failure(400), Failure(429, headers={"Retry-After": "3600"})],
    ids=["key", "parameter", "an hour"],
)
async def test_what_would_not_help_is_not_tried(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider, tail: str, script: Failure
) -> None:
    provider.script(script)
    assert "error" in await say(as_member, agent, tail)
    assert await attempts(as_member, agent) == [(1, "error")]


async def test_once_something_was_said_it_is_not_said_again(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(half_stream)
    assert (await say(as_member, agent, "/chat/stream"))["type"] == "error"
    assert await attempts(as_member, agent) == [(1, "error")]


async def test_the_vendor_says_how_long_to_wait(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(asyncio, "sleep", _remembering(waited, asyncio.sleep))
    provider.script(Failure(429, headers={"Retry-After": "7"}), Reply("Now."))
    assert "conversation_id" in await say(as_member, agent, "/chat")
    assert 7.0 in waited


def _remembering(waited: list[float], sleep: Any) -> Any:
    async def remember(seconds: float, *arguments: Any) -> None:
        waited.append(seconds)
        await sleep(0, *arguments)

    return remember


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        (ProviderFailed("openai", "x", retryable=True), True),
        (ProviderFailed("openai", "x", retryable=True, retry_after=20.0), True),
        (ProviderFailed("openai", "x", retryable=True, retry_after=21.0), False),
        (ProviderFailed("openai", "x"), False),
        (ProviderTimedOut("openai", "x", retryable=True), False),
        (UpstreamFailed(), False),
        (asyncio.CancelledError(), False),
        (ValueError(), False),
    ],
)
def test_only_some_failures_are_worth_another_try(error: BaseException, helps: bool) -> None:
    assert retrying.may_help(error) is helps
