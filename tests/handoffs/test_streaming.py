"""What an operator's stream sends; how it ends over a connection is tried in ``tests/process``."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from crafter.auth.tokens import issue_token
from crafter.conversations import messages as message_store
from crafter.conversations.documents import Conversation, Message
from crafter.conversations.service import delete_conversation, set_state
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.handoffs import streaming
from tests.fixtures import Cast
from tests.handoffs.conftest import url


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(streaming, "CHECK_SECONDS", 0.05)


async def always() -> bool:
    return True


async def say(conversation: Conversation, *texts: str) -> None:
    messages = [Message(role="user", content=text) for text in texts]
    await message_store.append_messages(conversation.scope, conversation.id, messages)


def read(raw: bytes) -> dict[str, Any]:
    assert raw.startswith(b"data: ")
    assert raw.endswith(b"\n\n")
    found: dict[str, Any] = json.loads(raw.removeprefix(b"data: "))
    return found


async def until(frames: AsyncIterator[bytes], kind: str) -> dict[str, Any]:
    """The next frame of a kind."""
    async for raw in frames:
        if (shown := read(raw))["type"] == kind:
            return shown
    raise AssertionError(f"the stream ended without {kind}")


async def test_the_history_comes_first_then_what_is_new_and_always_the_status(
    waiting: Conversation, runtime: Runtime
) -> None:
    async with aclosing(streaming.frames(waiting, runtime, always)) as frames:
        connected, history, status = [read(await anext(frames)) for _ in range(3)]
        await say(waiting, "Anybody?")
        await set_state(waiting.scope, waiting.id, {"status": "human_controlled", "current_handler": "human"})
        new = await until(frames, "new_messages")
        later = await until(frames, "status_update")

    assert connected == {"type": "connected"}
    assert [message["content"] for message in history["messages"]] == ["Hello"]
    assert history["messages"][0]["timestamp"].endswith("Z")
    assert (history["conversation_status"], history["current_handler"]) == ("handoff_requested", "agent")
    assert status == {
        "type": "status_update",
        "conversation_status": "handoff_requested",
        "current_handler": "agent",
        "message_count": 1,
    }
    assert [message["content"] for message in new["messages"]] == ["Anybody?"]
    assert later["message_count"] == 2


async def test_a_long_history_comes_in_several_frames_without_gaps(
    conversation: Conversation, runtime: Runtime
) -> None:
    for start in range(0, 240, 40):
        await say(conversation, *(f"m{n}" for n in range(start, start + 40)))

    received: list[str] = []
    async with aclosing(streaming.frames(conversation, runtime, always)) as frames:
        async for raw in frames:
            shown = read(raw)
            if shown["type"] == "status_update":
                break
            received += [message["content"] for message in shown.get("messages", [])]

    assert received == ["Hello", *(f"m{n}" for n in range(240))]


async def test_a_stream_ends_with_its_conversation(conversation: Conversation, runtime: Runtime) -> None:
    async with aclosing(streaming.frames(conversation, runtime, always)) as frames:
        await until(frames, "status_update")
        await delete_conversation(conversation.scope, conversation.id)
        rest = [read(raw)["type"] async for raw in frames]

    assert set(rest) <= {"status_update"}


async def test_a_stream_ends_when_its_reader_is_not_allowed_any_more(
    conversation: Conversation, runtime: Runtime
) -> None:
    answers = iter([True, False])

    async def allowed() -> bool:
        return next(answers)

    rest = [read(raw)["type"] async for raw in streaming.frames(conversation, runtime, allowed)]

    assert rest[0] == "connected"
    assert next(answers, None) is None


async def test_who_may_not_watch_is_refused_before_the_stream(
    as_nobody: httpx2.AsyncClient,
    as_outsider: httpx2.AsyncClient,
    cast: Cast,
    runtime: Runtime,
    waiting: Conversation,
) -> None:
    path = url(waiting, "/stream")
    expired = issue_token(cast.member.id, runtime.settings, utc_now() - timedelta(days=30))
    foreign = issue_token(cast.outsider.id, runtime.settings, utc_now())

    answers = [
        await as_nobody.get(path),
        await as_nobody.get(path, params={"token": "forged"}),
        await as_nobody.get(path, params={"token": expired}),
        await as_nobody.get(path, params={"token": foreign}),
        await as_outsider.get(path),
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 404, 404]
    assert answers[-1].json()["error"] == "Conversation not found"


async def test_a_token_in_the_address_opens_nothing_else(
    as_nobody: httpx2.AsyncClient, cast: Cast, runtime: Runtime, waiting: Conversation
) -> None:
    token = issue_token(cast.member.id, runtime.settings, utc_now())

    response = await as_nobody.get(url(waiting), params={"token": token})

    assert response.status_code == 401
