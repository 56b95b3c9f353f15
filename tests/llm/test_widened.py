"""What else can be asked of a model: parameters of the reply's form, images, and how calls and refusals come."""

from typing import Any

import pytest

from crafter.llm.base import (
    ChatMessage,
    ChatParameters,
    ChatRequest,
    ImagePart,
    JsonSchemaFormat,
    NamedTool,
    RefusalDelta,
    TextDelta,
    TextPart,
    ToolCallDelta,
    ToolDefinition,
    estimate_usage,
)
from crafter.llm.openai_wire import OpenAIReply, request_body
from crafter.llm.providers import ChatModels
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import calling
from tests.llm.asking import KEY, events_of

HELLO = [ChatMessage("user", "Hello")]
TOOL = ToolDefinition("calculator", "Calculates", {"type": "object"}, strict=True)
SCHEMA = {"type": "object", "properties": {"sum": {"type": "integer"}}}


def chunk(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"delta": delta, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("parameters", "sent"),
    [
        (ChatParameters(stop=["END", "\n"], seed=7), {"stop": ["END", "\n"], "seed": 7}),
        (ChatParameters(reasoning_effort="low"), {"reasoning_effort": "low"}),
        (ChatParameters(response_format="json_object"), {"response_format": {"type": "json_object"}}),
        (
            ChatParameters(response_format=JsonSchemaFormat("sum", SCHEMA, strict=True)),
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "sum", "schema": SCHEMA, "strict": True},
                }
            },
        ),
        (ChatParameters(tool_choice="required", parallel_tool_calls=False), {}),
    ],
    ids=["stop and seed", "effort", "JSON", "a schema", "nothing of tools without tools"],
)
def test_parameters_are_sent_as_the_vendor_names_them(
    parameters: ChatParameters, sent: dict[str, Any]
) -> None:
    body, dropped = request_body(ChatRequest("m", HELLO, parameters), frozenset())
    assert body == {"model": "m", "messages": [{"role": "user", "content": "Hello"}], **sent}
    assert dropped == []


@pytest.mark.parametrize(
    ("choice", "may_call", "sent"),
    [
        ("required", True, "required"),
        (NamedTool("calculator"), True, {"type": "function", "function": {"name": "calculator"}}),
        ("required", False, "none"),
    ],
    ids=["any", "a certain one", "none that may be called"],
)
def test_the_choice_of_a_tool_is_sent_with_the_tools(choice: Any, may_call: bool, sent: Any) -> None:
    parameters = ChatParameters(tool_choice=choice, parallel_tool_calls=False)
    body, _ = request_body(ChatRequest("m", HELLO, parameters, tools=[TOOL], may_call=may_call), frozenset())
    assert body["tool_choice"] == sent
    assert body["parallel_tool_calls"] is False
    assert body["tools"][0]["function"]["strict"] is True


def test_what_a_vendor_does_not_take_is_left_out_and_named() -> None:
    parameters = ChatParameters(stop=["END"], seed=7, response_format="json_object")
    body, dropped = request_body(ChatRequest("m", HELLO, parameters), frozenset({"seed", "response_format"}))
    assert dropped == ["response_format", "seed"]
    assert body.keys() == {"model", "messages", "stop"}


def test_images_are_sent_between_the_text_and_count_as_tokens() -> None:
    image = ImagePart("data:image/png;base64,AAAA", detail="low")
    request = ChatRequest("m", [ChatMessage("user", [TextPart("Look: "), image, TextPart("Well?")])])
    body, _ = request_body(request, frozenset())
    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "Look: "},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
        {"type": "text", "text": "Well?"},
    ]
    assert request.messages[0].text == "Look: Well?"
    assert estimate_usage(request, "").prompt_tokens == 1_003


async def test_a_call_of_a_tool_is_streamed_as_it_is_written(
    provider: FakeProvider, models: ChatModels
) -> None:
    provider.script(calling(("calculator", '{"x": 1}'), text="Wait."))
    model = await models.chat_model("openai", KEY)

    *deltas, _ = await events_of(model, ChatRequest("m", HELLO, tools=[TOOL]))

    assert deltas == [
        TextDelta("Wait."),
        ToolCallDelta(0, "call_1", "calculator"),
        ToolCallDelta(0, arguments='{"x"'),
        ToolCallDelta(0, arguments=": 1}"),
    ]


def test_a_name_that_is_repeated_is_told_once() -> None:
    reply = OpenAIReply("vllm")
    first = reply.take(chunk(tool_calls=[{"index": 0, "function": {"name": "one", "arguments": "{"}}]))
    second = reply.take(chunk(tool_calls=[{"index": 0, "function": {"name": "one", "arguments": "}"}}]))
    assert first == [ToolCallDelta(0, "call_0", "one", "{")]
    assert second == [ToolCallDelta(0, arguments="}")]


def test_a_refusal_is_no_reply() -> None:
    reply = OpenAIReply("openai")
    assert reply.take(chunk(refusal="I will ")) == [RefusalDelta("I will ")]
    assert reply.take(chunk(refusal="not.")) == [RefusalDelta("not.")]
    finished = reply.finish(ChatRequest("m", HELLO), [])
    assert (finished.text, finished.refusal) == ("", "I will not.")


@pytest.mark.parametrize(("reported", "told"), [(5, 5), (99, 8), (None, 0)])
def test_tokens_that_were_thought_are_part_of_the_completion(reported: int | None, told: int) -> None:
    reply = OpenAIReply("openai")
    usage = {
        "prompt_tokens": 7,
        "completion_tokens": 8,
        "completion_tokens_details": {"reasoning_tokens": reported},
    }
    reply.take({**chunk(content="Hi"), "usage": usage})
    finished = reply.finish(ChatRequest("m", HELLO), [])
    assert (finished.usage.completion_tokens, finished.usage.reasoning_tokens) == (8, told)
