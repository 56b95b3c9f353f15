"""Calls to OpenAI-compatible servers: what is sent, and what comes back."""

import asyncio
import dataclasses
import json
import subprocess
import sys
from contextlib import aclosing
from typing import Any

import pytest

from crafter.llm.base import ChatMessage, ChatParameters, ChatRequest, Finished, TextDelta, Usage
from crafter.llm.providers import ChatModels
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply, wrong_usage
from tests.llm.asking import KEY, SAID, answer, both_ways, events_of


async def test_a_reply_is_streamed_and_then_finished(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest
) -> None:
    model = await models.chat_model("openai", KEY)

    *deltas, finished = await events_of(model, request_hello)

    assert deltas == [
        TextDelta("You"),
        TextDelta(" said:"),
        *map(TextDelta, (" Hello", " there,", " friend")),
    ]
    assert finished == Finished(SAID, Usage(7, 8, 15), "stop")
    sent = provider.requests[0]
    assert sent.path == "/v1/chat/completions"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.body == {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello there, friend"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_a_whole_reply_is_finished_at_once(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest
) -> None:
    model = await models.chat_model("openai", KEY)

    finished = await model.complete(request_hello)

    assert finished == Finished(SAID, Usage(7, 8, 15), "stop")
    assert "stream" not in provider.requests[0].body


async def test_deltas_arrive_while_the_model_still_speaks(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest
) -> None:
    gate = asyncio.Event()
    provider.script(Reply(gate=gate))
    model = await models.chat_model("openai", KEY)

    async with aclosing(model.stream(request_hello)) as events:
        first = await anext(events)
        gate.set()
        rest = [event async for event in events]

    assert first == TextDelta("You")
    assert isinstance(rest[-1], Finished)


async def test_closing_a_stream_hangs_up(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest
) -> None:
    provider.script(Reply(gate=asyncio.Event()))
    model = await models.chat_model("openai", KEY)

    async with aclosing(model.stream(request_hello)) as events:
        await anext(events)

    async with asyncio.timeout(5):
        await provider.deserted()


@both_ways
async def test_a_cancelled_call_hangs_up(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest, streaming: bool
) -> None:
    provider.script(Reply(gate=asyncio.Event()))
    model = await models.chat_model("openai", KEY)
    call = asyncio.create_task(answer(model, request_hello, streaming=streaming))
    await provider.received()

    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    async with asyncio.timeout(5):
        await provider.deserted()


@pytest.mark.parametrize(
    ("name", "expected", "dropped"),
    [
        ("openai", {"top_p", "frequency_penalty", "presence_penalty"}, []),
        ("deepseek", {"top_p", "frequency_penalty", "presence_penalty"}, []),
        ("openrouter", {"top_p", "frequency_penalty", "presence_penalty"}, []),
        ("anthropic", {"frequency_penalty", "presence_penalty"}, ["top_p"]),
        ("google", {"top_p"}, ["frequency_penalty", "presence_penalty"]),
        ("xai", {"top_p"}, ["frequency_penalty", "presence_penalty"]),
        ("somebody else", {"top_p", "frequency_penalty", "presence_penalty"}, []),
    ],
)
@both_ways
async def test_parameters_are_sent_as_each_provider_takes_them(
    models: ChatModels,
    provider: FakeProvider,
    request_hello: ChatRequest,
    name: str,
    expected: set[str],
    dropped: list[str],
    streaming: bool,
) -> None:
    request = dataclasses.replace(
        request_hello, parameters=ChatParameters(0.0, 0.9, 100, 0.0, -0.5), cache_key="agent_7"
    )

    finished = await answer(await models.chat_model(name, KEY), request, streaming=streaming)

    sent = provider.requests[0].body
    values = {"top_p": 0.9, "frequency_penalty": 0.0, "presence_penalty": -0.5}
    everywhere = {"temperature": 0.0, "max_completion_tokens": 100, "prompt_cache_key": "agent_7"}
    parameters = {name: sent[name] for name in sent.keys() & {*values, *everywhere, "max_tokens"}}
    assert parameters == everywhere | {name: values[name] for name in expected}
    assert finished.dropped_parameters == dropped


async def test_nothing_of_the_environment_is_sent(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "from-the-environment")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gateway: from-the-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://from-the-environment.example/v1")

    await (await models.chat_model("openai", KEY)).complete(request_hello)

    assert "from-the-environment" not in json.dumps(dict(provider.requests[0].headers))


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 15,
                "prompt_tokens_details": {"cached_tokens": 2},
            },
            Usage(10, 5, 15, cached_tokens=2),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40}, Usage(10, 5, 40)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 3}, Usage(10, 5, 15)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": None}, Usage(10, 5, 15)),
        (None, Usage(7, 8, 15, estimated=True)),
        ({}, Usage(7, 8, 15, estimated=True)),
        ("lots", Usage(7, 8, 15, estimated=True)),
        ({"prompt_tokens": -1, "completion_tokens": 5}, Usage(7, 8, 15, estimated=True)),
        ({"prompt_tokens": 1e30, "completion_tokens": 5}, Usage(7, 8, 15, estimated=True)),
        (wrong_usage.usage, Usage(7, 8, 15, estimated=True)),
    ],
)
@both_ways
async def test_usage_is_what_the_provider_says_or_an_estimate(
    models: ChatModels,
    provider: FakeProvider,
    request_hello: ChatRequest,
    reported: Any,
    usage: Usage,
    streaming: bool,
) -> None:
    provider.script(Reply(usage=reported))

    finished = await answer(await models.chat_model("openai", KEY), request_hello, streaming=streaming)

    assert finished.usage == usage


async def test_connections_are_shared_by_the_keys_of_a_provider(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest
) -> None:
    for number in range(20):
        model = await models.chat_model("openai", f"key-{number}")
        await answer(model, request_hello, streaming=True)

    assert provider.accepted == 1
    assert [sent.key for sent in provider.requests] == [f"key-{number}" for number in range(20)]


async def test_closing_the_models_closes_their_connections(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest
) -> None:
    model = await models.chat_model("openai", KEY)
    await answer(model, request_hello, streaming=True)
    await answer(model, request_hello, streaming=False)

    await models.aclose()

    async with asyncio.timeout(5):
        await provider.deserted()


def test_the_kit_of_the_vendor_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys, crafter.llm.providers, crafter.llm.prices;"
        "print({'openai', 'genai_prices'} & sys.modules.keys())"
    )

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "set()"


async def test_a_message_may_hold_any_text(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest
) -> None:
    text = 'ünïcode 🙂 "quotes" \\ \n newlines \u2028 data: x\n\n'
    request = dataclasses.replace(request_hello, messages=[ChatMessage("user", text)])
    provider.script(Reply(text=text), Reply(text=text))
    model = await models.chat_model("openai", KEY)

    assert (await answer(model, request, streaming=True)).text == text
    assert (await answer(model, request, streaming=False)).text == text
    assert provider.requests[0].last_words == text
