"""Responses, as OpenAI's client asks for them."""

from typing import Any

import openai
import pytest
from openai.types.responses import Response
from pydantic import BaseModel

from crafter.agents.documents import Agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply, calling, half_stream
from tests.openai_api.conftest import MODEL

WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "Of a place",
    "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
    "strict": True,
}


class Sum(BaseModel):
    """What a reply is parsed into."""

    total: int


async def test_a_model_answers_to_a_text(client: openai.AsyncOpenAI, provider: FakeProvider) -> None:
    response = await client.responses.create(
        model=MODEL, input="Hello", instructions="Be brief.", metadata={"team": "a"}, max_output_tokens=9
    )

    Response.model_validate(response.model_dump())
    assert response.output_text == "You said: Hello"
    assert (response.status, response.metadata, response.instructions) == (
        "completed",
        {"team": "a"},
        "Be brief.",
    )
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    body = provider.requests[0].body
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
    ]
    assert body["max_completion_tokens"] == 9


async def test_a_tool_goes_there_and_back(client: openai.AsyncOpenAI, provider: FakeProvider) -> None:
    provider.script(
        calling(("weather", {"place": "Bonn"}), ("weather", {"place": "Kiel"}), text="Let me see."),
        Reply("Rain."),
    )
    said: list[Any] = [{"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]}]

    first = await client.responses.create(
        model=MODEL, input=said, tools=[WEATHER], tool_choice={"type": "function", "name": "weather"}
    )
    results = [
        {"type": "function_call_output", "call_id": item.call_id, "output": "grey"}
        for item in first.output
        if item.type == "function_call"
    ]
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    again = [*said, thought, *(item.model_dump() for item in first.output), *results]
    second = await client.responses.create(model=MODEL, input=again, tools=[WEATHER])

    assert [item.type for item in first.output] == ["message", "function_call", "function_call"]
    assert second.output_text == "Rain."
    asked, answered = (request.body for request in provider.requests)
    assert asked["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert asked["tools"][0]["function"]["name"] == "weather"
    roles = [message["role"] for message in answered["messages"]]
    assert roles == ["user", "assistant", "tool", "tool"]
    assert [call["id"] for call in answered["messages"][1]["tool_calls"]] == ["call_1", "call_2"]
    assert answered["messages"][1]["content"] == "Let me see."


async def test_a_response_is_streamed_as_events_in_order(
    client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    provider.script(calling(("weather", {"place": "Bonn"}), text="Let me see."))

    stream = await client.responses.create(model=MODEL, input="Hello", tools=[WEATHER], stream=True)
    events: list[Any] = [event async for event in stream]

    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type.removeprefix("response.") for event in events]
    assert [kind for n, kind in enumerate(kinds) if n == 0 or kinds[n - 1] != kind] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_item.added",
        "function_call_arguments.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said == "Let me see." == events[-1].response.output_text
    call = events[-1].response.output[1]
    assert (call.name, call.arguments) == ("weather", '{"place": "Bonn"}')
    assert events[-1].response.usage.output_tokens > 0


async def test_the_clients_own_reader_of_streams_puts_them_together(
    client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    provider.script(Reply('{"total": 4}'))

    async with client.responses.stream(model=MODEL, input="2+2?", text_format=Sum) as stream:
        async for _ in stream:
            pass
        response = await stream.get_final_response()

    assert response.output_parsed == Sum(total=4)
    assert provider.requests[0].body["response_format"]["json_schema"]["name"] == "Sum"


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
async def test_an_answer_that_was_cut_off_says_so(
    streaming: bool, client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    provider.script(Reply("Once upon a", finish_reason="length"))

    if streaming:
        stream = await client.responses.create(model=MODEL, input="Tell", stream=True)
        events: list[Any] = [event async for event in stream]
        assert events[-1].type == "response.incomplete"
        response = events[-1].response
    else:
        response = await client.responses.create(model=MODEL, input="Tell")

    assert response.status == "incomplete"
    assert response.incomplete_details.reason == "max_output_tokens"


async def test_an_answer_that_breaks_off_ends_as_failed(
    client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    provider.script(half_stream)

    stream = await client.responses.create(model=MODEL, input="one two three four", stream=True)
    events: list[Any] = [event async for event in stream]

    assert events[-1].type == "response.failed"
    assert events[-1].response.status == "failed"
    assert events[-1].response.error.code == "server_error"


async def test_an_agent_answers_as_it_is_set_up(
    client: openai.AsyncOpenAI, provider: FakeProvider, agent: Agent
) -> None:
    response = await client.responses.create(model="agent:Helper", input="Hello")

    assert response.output_text == "You said: Hello"
    assert provider.requests[0].body["messages"][0] == {"role": "system", "content": "You are kind."}


@pytest.mark.parametrize(
    "unsupported",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"background": True},
        {"store": True},
        {"truncation": "auto"},
        {"tools": [{"type": "web_search"}]},
        {"input": [{"type": "item_reference", "id": "msg_1"}]},
    ],
    ids=str,
)
async def test_what_needs_something_kept_is_refused_by_name(
    unsupported: dict[str, Any], client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    body = {"model": MODEL, "input": "Hello", **unsupported}

    with pytest.raises(openai.BadRequestError) as refusal:
        await client.post("/responses", body=body, cast_to=object)

    assert str(refusal.value.param).startswith(next(iter(unsupported)))
    assert not provider.requests
