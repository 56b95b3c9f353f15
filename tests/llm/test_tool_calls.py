"""Tools on the wire: offered to a model, called by it, and answered."""

from typing import Any

import pytest
from pydantic import ValidationError

from crafter.llm.base import ChatMessage, ChatRequest, ToolCall, ToolDefinition
from crafter.llm.openai_wire import MOST_CALLS, OpenAIReply
from crafter.llm.providers import ChatModels
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import calling
from tests.llm.asking import KEY, answer, both_ways

SCHEMA = {"type": "object", "properties": {"expression": {"type": "string"}}}
REQUEST = ChatRequest(
    "gpt-4o-mini",
    [ChatMessage("user", "2+2?")],
    tools=[ToolDefinition("calculator", "Calculates", SCHEMA)],
)


def chunk(*calls: dict[str, Any]) -> dict[str, Any]:
    """A chunk of a stream that holds pieces of calls."""
    return {"choices": [{"delta": {"tool_calls": list(calls)}, "finish_reason": "tool_calls"}]}


@both_ways
async def test_a_model_is_offered_tools_and_calls_several_at_once(
    streaming: bool, provider: FakeProvider, models: ChatModels
) -> None:
    provider.script(
        calling(("calculator", {"expression": "2+2"}), ("calculator", "not JSON"), text="Let me see.")
    )
    model = await models.chat_model("openai", KEY)
    finished = await answer(model, REQUEST, streaming=streaming)
    assert finished.tool_calls == (
        ToolCall("call_1", "calculator", '{"expression": "2+2"}'),
        ToolCall("call_2", "calculator", "not JSON"),
    )
    assert (finished.text, finished.finish_reason) == ("Let me see.", "tool_calls")
    offered = provider.requests[0].body["tools"]
    function = {"name": "calculator", "description": "Calculates", "parameters": SCHEMA}
    assert offered == [{"type": "function", "function": function}]


async def test_results_go_back_under_the_ids_of_their_calls(
    provider: FakeProvider, models: ChatModels
) -> None:
    call = ToolCall("call_7", "calculator", "{}")
    messages = [ChatMessage("assistant", "", [call]), ChatMessage("tool", "4", tool_call_id="call_7")]
    model = await models.chat_model("openai", KEY)
    await model.complete(ChatRequest("gpt-4o-mini", messages))
    sent = provider.requests[0].body
    assert "tools" not in sent
    assert sent["messages"] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "call_7", "type": "function", "function": {"name": "calculator", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "content": "4", "tool_call_id": "call_7"},
    ]


def test_calls_of_a_server_that_numbers_nothing_are_told_apart_by_their_ids() -> None:
    reply = OpenAIReply("vllm")
    reply.take(chunk({"id": "a", "function": {"name": "one", "arguments": '{"x"'}}))
    reply.take(chunk({"function": {"arguments": ":1}"}}))
    reply.take(chunk({"id": "b", "function": {"name": "two", "arguments": "{}"}}))
    assert reply.finish(REQUEST, []).tool_calls == (
        ToolCall("a", "one", '{"x":1}'),
        ToolCall("b", "two", "{}"),
    )


def test_a_call_without_an_id_gets_one() -> None:
    reply = OpenAIReply("vllm")
    reply.take(chunk({"index": 0, "function": {"name": "one"}}))
    assert reply.finish(REQUEST, []).tool_calls == (ToolCall("call_0", "one", ""),)


def test_more_calls_than_anybody_needs_are_no_answer() -> None:
    with pytest.raises(ValidationError):
        OpenAIReply("vllm").take(chunk({"index": MOST_CALLS, "function": {"name": "one"}}))
