"""Streams over a real connection: what is said arrives as it is said, and a reader who leaves is noticed."""

import asyncio
from collections.abc import AsyncIterator

import openai
import pytest

from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.calls.documents import Call
from crafter.core.runtime import Runtime
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply
from tests.fixtures import Cast
from tests.openai_api.conftest import MODEL
from tests.openai_api.test_chat import HELLO

READERS = 50


@pytest.fixture
async def client(url: str, platform_key: str, provider_key: ApiKey) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=url, api_key=platform_key, max_retries=0) as client:
        yield client


async def only_call(cast: Cast) -> Call:
    [row] = await Call.within(cast.project.scope).find({}, limit=10)
    return Call.from_stored(row)


async def test_the_first_word_arrives_while_the_model_still_speaks(
    client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    gate = asyncio.Event()
    provider.script(Reply(gate=gate))

    stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    words = aiter(stream)
    first = [(await anext(words)).choices[0].delta.content for _ in range(2)]
    gate.set()
    rest = [chunk.choices[0].delta.content async for chunk in words]

    assert first == ["", "You"]
    assert rest == [" said:", " Hello", None]


@pytest.mark.parametrize("way", ["chat", "responses"])
async def test_a_call_ends_and_is_settled_when_its_reader_leaves(
    way: str, client: openai.AsyncOpenAI, provider: FakeProvider, cast: Cast, runtime: Runtime
) -> None:
    provider.script(Reply(gate=asyncio.Event()))
    if way == "chat":
        stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        async with stream:
            await anext(aiter(stream))
    else:
        events = await client.responses.create(model=MODEL, input="Hello", stream=True)
        async with events:
            await anext(aiter(events))

    async with asyncio.timeout(10):
        await runtime.tasks.idle()

    call = await only_call(cast)
    assert call.outcome == "cancelled"
    assert call.usage_estimated
    assert call.tokens.output > 0


async def test_an_agent_goes_on_to_its_end_when_the_reader_leaves(
    client: openai.AsyncOpenAI, provider: FakeProvider, cast: Cast, runtime: Runtime, agent: Agent
) -> None:
    gate = asyncio.Event()
    provider.script(Reply(gate=gate))
    stream = await client.chat.completions.create(model="agent:Helper", messages=HELLO, stream=True)
    async with stream:
        await anext(aiter(stream))
    gate.set()

    async with asyncio.timeout(10):
        await runtime.tasks.idle()

    assert (await only_call(cast)).outcome == "success"


async def test_many_readers_at_once_each_get_their_own_answer(
    client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    async def ask(number: int) -> str:
        said = [{"role": "user", "content": f"number{number}"}]
        stream = await client.chat.completions.create(model=MODEL, messages=said, stream=True)  # type: ignore[call-overload]
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    answers = await asyncio.gather(*map(ask, range(READERS)))

    assert answers == [f"You said: number{number}" for number in range(READERS)]
