"""The fake provider itself: what it speaks, and that it runs as a program."""

import asyncio
import json
import os
import sys
from typing import Any

import pytest

from crafter.core.egress import EgressClient, EgressPolicy, open_client
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply

MESSAGES = [{"role": "user", "content": [{"type": "text", "text": "Hello there"}]}]


def client(endpoint: tuple[str, int]) -> EgressClient:
    return open_client(EgressPolicy(frozenset({endpoint})), deadline_seconds=10, max_bytes=1_000_000)


def events_in(text: str) -> list[Any]:
    lines = (line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: "))
    return [json.loads(line) if line != "[DONE]" else line for line in lines]


async def test_it_lists_models(provider: FakeProvider) -> None:
    async with client(provider.endpoint) as http:
        listed = (await http.get(f"{provider.base_url}/models")).json()

    assert {"id": "gpt-4o-mini", "object": "model", "created": 0, "owned_by": "fake"} in listed["data"]


async def test_it_speaks_anthropics_messages(provider: FakeProvider) -> None:
    async with client(provider.endpoint) as http:
        response = await http.post(
            f"{provider.url}/v1/messages",
            headers={"x-api-key": "secret"},
            json={
                "model": "claude-sonnet-4-6",
                "max_tokens": 10,
                "system": "Be brief.",
                "messages": MESSAGES,
            },
        )

    message = response.json()
    assert message["content"] == [{"type": "text", "text": "You said: Hello there"}]
    assert message["stop_reason"] == "end_turn"
    assert message["usage"] == {"input_tokens": 5, "output_tokens": 6}
    assert provider.requests[0].key == "secret"


async def test_it_streams_anthropics_events(provider: FakeProvider) -> None:
    async with client(provider.endpoint) as http:
        response = await http.post(
            f"{provider.url}/v1/messages",
            json={"model": "claude-sonnet-4-6", "max_tokens": 10, "stream": True, "messages": MESSAGES},
        )

    events = events_in(response.text)
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 4,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert "".join(event["delta"]["text"] for event in events[2:6]) == "You said: Hello there"


async def test_it_fails_in_anthropics_words(provider: FakeProvider) -> None:
    provider.script(Failure(529, "Overloaded"))

    async with client(provider.endpoint) as http:
        response = await http.post(f"{provider.url}/v1/messages", json={"messages": MESSAGES})

    assert response.status_code == 529
    assert response.json() == {"type": "error", "error": {"type": "fake_error", "message": "Overloaded"}}


async def test_usage_is_streamed_only_where_it_was_asked_for(provider: FakeProvider) -> None:
    body: dict[str, Any] = {"model": "gpt-4o", "stream": True, "messages": MESSAGES}

    async with client(provider.endpoint) as http:
        url = f"{provider.base_url}/chat/completions"
        without = events_in((await http.post(url, json=body)).text)
        asked = body | {"stream_options": {"include_usage": True}}
        with_usage = events_in((await http.post(url, json=asked)).text)

    assert not [event for event in without if "usage" in event]
    assert with_usage[-1] == "[DONE]"
    assert with_usage[-2]["choices"] == []
    assert with_usage[-2]["usage"]["total_tokens"] == 9


async def test_scripted_replies_come_in_turn_and_then_the_default_again(provider: FakeProvider) -> None:
    provider.script(Reply("one"), Failure(500), Reply("two"))

    async with client(provider.endpoint) as http:
        url = f"{provider.base_url}/chat/completions"
        replies = [await http.post(url, json={"messages": MESSAGES}) for _ in range(4)]

    assert [reply.status_code for reply in replies] == [200, 500, 200, 200]
    said = [reply.json()["choices"][0]["message"]["content"] for reply in replies if reply.is_success]
    assert said == ["one", "two", "You said: Hello there"]


async def test_an_unknown_path_is_not_found(provider: FakeProvider) -> None:
    async with client(provider.endpoint) as http:
        response = await http.post(f"{provider.base_url}/nonsense", json={})

    assert response.status_code == 404


@pytest.mark.slow
async def test_it_runs_as_a_program() -> None:
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.provider", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ,
    )
    assert program.stdout is not None
    try:
        line = (await program.stdout.readline()).decode()
        base_url = line.split()[-1]
        port = int(base_url.rsplit(":", 1)[1].removesuffix("/v1"))
        async with client(("127.0.0.1", port)) as http:
            listed = await http.get(f"{base_url}/models")
    finally:
        program.terminate()
        await program.wait()

    assert listed.status_code == 200
