"""Chat completions, as OpenAI's client asks for them."""

from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion
from pydantic import BaseModel

from crafter.agents.documents import Agent, AgentTool
from crafter.api_keys.documents import ApiKey
from crafter.calls.documents import Call
from crafter.core.runtime import Runtime
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply, calling
from tests.fixtures import Cast
from tests.openai_api.conftest import MODEL

HELLO: Any = [{"role": "user", "content": "Hello"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Of a place",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
        "strict": True,
    },
}


class Sum(BaseModel):
    """What a reply is parsed into."""

    total: int


async def calls_of(cast: Cast) -> list[Call]:
    rows = await Call.within(cast.project.scope).find({}, sort=[("_id", 1)], limit=100)
    return [Call.from_stored(row) for row in rows]


async def test_a_model_answers(client: openai.AsyncOpenAI, provider: FakeProvider) -> None:
    completion = await client.chat.completions.create(model=MODEL, messages=HELLO, temperature=0.5)

    ChatCompletion.model_validate(completion.model_dump(), strict=True)
    [choice] = completion.choices
    assert (choice.message.content, choice.finish_reason) == ("You said: Hello", "stop")
    assert completion.model == MODEL
    assert completion.usage is not None
    assert completion.usage.total_tokens == 6
    assert provider.requests[0].body == {"model": MODEL, "messages": HELLO, "temperature": 0.5}


async def test_an_answer_is_in_the_ledger_under_its_own_id(
    client: openai.AsyncOpenAI, provider: FakeProvider, cast: Cast, provider_key: ApiKey
) -> None:
    completion = await client.chat.completions.create(model=MODEL, messages=HELLO, user="alice")

    [call] = await calls_of(cast)
    assert call.source is not None
    assert (call.source.type, call.source.id) == ("chat_completion", completion.id)
    assert (call.kind, call.outcome, call.credential) == ("chat", "success", provider_key.id)
    assert call.cost is not None
    assert call.user_api_key is not None
    assert call.end_user_hash is not None
    assert "alice" not in call.end_user_hash


async def test_an_answer_is_streamed(client: openai.AsyncOpenAI, provider: FakeProvider) -> None:
    stream = await client.chat.completions.create(
        model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]

    said = [choice.delta.content for chunk in chunks for choice in chunk.choices]
    assert said == ["", "You", " said:", " Hello", None]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (chunks[-1].choices, chunks[-1].usage is not None) == ([], True)
    assert len({chunk.id for chunk in chunks}) == 1


async def test_usage_is_streamed_only_to_whom_it_interests(
    client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)

    chunks = [chunk async for chunk in stream]

    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


async def test_a_tool_goes_there_and_back(client: openai.AsyncOpenAI, provider: FakeProvider) -> None:
    provider.script(calling(("weather", {"place": "Bonn"}), text="Let me see."), Reply("Rain."))

    first = await client.chat.completions.create(
        model=MODEL, messages=HELLO, tools=[WEATHER], tool_choice="required", parallel_tool_calls=False
    )
    message = first.choices[0].message
    assert message.tool_calls
    [call] = message.tool_calls
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": '{"sky": "grey"}'}
    second = await client.chat.completions.create(
        model=MODEL, messages=[*HELLO, message.model_dump(), result], tools=[WEATHER]
    )

    assert first.choices[0].finish_reason == "tool_calls"
    assert call.type == "function"
    assert (call.function.name, call.function.arguments) == ("weather", '{"place": "Bonn"}')
    assert second.choices[0].message.content == "Rain."
    asked, answered = (request.body for request in provider.requests)
    assert (asked["tools"], asked["tool_choice"]) == ([WEATHER], "required")
    assert asked["parallel_tool_calls"] is False
    assert answered["messages"][1]["tool_calls"][0]["id"] == call.id
    assert answered["messages"][2] == {**result, "content": '{"sky": "grey"}'}


async def test_calls_of_tools_are_streamed_as_they_are_written(
    client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    provider.script(calling(("weather", {"place": "Bonn"}), ("weather", {"place": "Kiel"})))

    async with client.chat.completions.stream(model=MODEL, messages=HELLO, tools=[WEATHER]) as stream:
        completion = await stream.get_final_completion()

    calls = completion.choices[0].message.tool_calls
    assert calls is not None
    assert [(call.id, call.function.name, call.function.arguments) for call in calls] == [
        ("call_1", "weather", '{"place": "Bonn"}'),
        ("call_2", "weather", '{"place": "Kiel"}'),
    ]


async def test_a_reply_is_parsed_into_a_model_of_the_callers(
    client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    provider.script(Reply('{"total": 4}'))

    completion = await client.chat.completions.parse(model=MODEL, messages=HELLO, response_format=Sum)

    assert completion.choices[0].message.parsed == Sum(total=4)
    asked = provider.requests[0].body["response_format"]
    assert (asked["type"], asked["json_schema"]["name"], asked["json_schema"]["strict"]) == (
        "json_schema",
        "Sum",
        True,
    )
    assert asked["json_schema"]["schema"]["properties"]["total"]["type"] == "integer"


async def test_images_are_passed_on(client: openai.AsyncOpenAI, provider: FakeProvider) -> None:
    parts: Any = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
    ]

    await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": parts}])

    assert provider.requests[0].body["messages"] == [{"role": "user", "content": parts}]


async def test_what_several_clients_send_is_understood(
    client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    messages: Any = [
        {
            "role": "developer",
            "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}],
        },
        {"role": "assistant", "content": None, "refusal": "No.", "audio": None, "annotations": []},
        {"role": "user", "content": "Hello", "name": "alice"},
    ]

    await client.chat.completions.create(
        model=f"openai/{MODEL}",
        messages=messages,
        max_tokens=7,
        stop="END",
        seed=1,
        n=1,
        metadata={"a": "b"},
        store=True,
        logprobs=False,
        reasoning_effort="low",
        extra_body={"logit_bias": None},
    )

    body = provider.requests[0].body
    assert body["model"] == MODEL
    assert body["messages"] == [
        {"role": "system", "content": "Be\nbrief."},
        {"role": "assistant", "content": "No."},
        {"role": "user", "content": "Hello"},
    ]
    assert (body["max_completion_tokens"], body["stop"], body["seed"]) == (7, ["END"], 1)


@pytest.mark.parametrize("by", ["name", "id", "plain id"])
async def test_an_agent_answers_as_it_is_set_up(
    by: str, client: openai.AsyncOpenAI, provider: FakeProvider, agent: Agent, cast: Cast
) -> None:
    names = {"name": "agent:Helper", "id": f"agent:{agent.id}", "plain id": agent.id}

    completion = await client.chat.completions.create(model=names[by], messages=HELLO, temperature=1)

    assert completion.choices[0].message.content == "You said: Hello"
    body = provider.requests[0].body
    assert body["messages"] == [{"role": "system", "content": "You are kind."}, *HELLO]
    assert (body["model"], body["temperature"]) == (MODEL, 1)
    [call] = await calls_of(cast)
    assert (call.agent, call.source and call.source.id) == (agent.id, completion.id)


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
async def test_an_agent_runs_its_tools_itself(
    streaming: bool, client: openai.AsyncOpenAI, provider: FakeProvider, cast: Cast, runtime: Runtime
) -> None:
    agent = await make_agent(
        cast.project, runtime.keyring, name="clever", tools=[AgentTool(name="calculator", description="c")]
    )
    provider.script(calling(("calculator", {"expression": "2+2"})), Reply("It is 4."))

    if streaming:
        async with client.chat.completions.stream(model=f"agent:{agent.id}", messages=HELLO) as stream:
            completion: Any = await stream.get_final_completion()
    else:
        completion = await client.chat.completions.create(model=f"agent:{agent.id}", messages=HELLO)

    assert completion.choices[0].message.content == "It is 4."
    assert completion.choices[0].finish_reason == "stop"
    assert not completion.choices[0].message.tool_calls
    assert len(await calls_of(cast)) == 2
    assert provider.requests[1].body["messages"][-1]["role"] == "tool"


async def test_nobody_has_an_agent_write_longer_than_it_may(
    client: openai.AsyncOpenAI, provider: FakeProvider, agent: Agent
) -> None:
    most = agent.llm_settings.parameters.max_tokens

    await client.chat.completions.create(model="agent:Helper", messages=HELLO, max_tokens=most + 1)
    await client.chat.completions.create(model="agent:Helper", messages=HELLO, max_tokens=5)

    sent = [request.body["max_completion_tokens"] for request in provider.requests]
    assert sent == [most, 5]
