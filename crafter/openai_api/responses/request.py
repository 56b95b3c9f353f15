"""From a response as it is asked for to what a model is asked."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from crafter.llm.base import ChatMessage, ChatParameters, ChatRequest, ImagePart, TextPart, ToolCall
from crafter.openai_api.bodies import content_of
from crafter.openai_api.responses.schemas import (
    CallItem,
    ImagePartBody,
    Item,
    MessageItem,
    PartBody,
    RefusalPartBody,
    ResponseCreate,
    ResultItem,
)


def request_of(body: ResponseCreate) -> ChatRequest:
    """What is asked, of the model as the caller names it."""
    parameters = ChatParameters(
        temperature=body.temperature,
        top_p=body.top_p,
        max_tokens=body.max_output_tokens,
        reasoning_effort=body.reasoning.effort,
        response_format=body.chosen_format(),
        tool_choice=body.tool_to_choose(),
        parallel_tool_calls=body.parallel_tool_calls,
    )
    told = [] if body.instructions is None else [ChatMessage("system", body.instructions)]
    said = [ChatMessage("user", body.input)] if isinstance(body.input, str) else _messages(body.input)
    return ChatRequest(
        model=body.model,
        messages=[*told, *said],
        parameters=parameters,
        cache_key=body.prompt_cache_key,
        tools=body.chosen_tools(),
    )


def _messages(items: Sequence[Item]) -> list[ChatMessage]:
    """One message for each item; the calls that a model made at once belong to what it said with them."""
    messages: list[ChatMessage] = []
    for item in items:
        if isinstance(item, MessageItem):
            messages.append(_message(item))
        elif isinstance(item, CallItem):
            if not messages or messages[-1].role != "assistant":
                messages.append(ChatMessage("assistant", ""))
            call = ToolCall(item.call_id, item.name, item.arguments)
            messages[-1] = replace(messages[-1], tool_calls=[*messages[-1].tool_calls, call])
        elif isinstance(item, ResultItem):
            messages.append(ChatMessage("tool", _result(item), tool_call_id=item.call_id))
    return messages


def _message(item: MessageItem) -> ChatMessage:
    role = "system" if item.role == "developer" else item.role
    content = item.content if isinstance(item.content, str) else content_of(list(_parts(item.content)))
    return ChatMessage(role, content)


def _parts(parts: Sequence[PartBody]) -> Iterator[TextPart | ImagePart]:
    for part in parts:
        if isinstance(part, ImagePartBody):
            yield ImagePart(part.image_url, part.detail)
        elif isinstance(part, RefusalPartBody):
            yield TextPart(part.refusal)
        else:
            yield TextPart(part.text)


def _result(item: ResultItem) -> str:
    if isinstance(item.output, str):
        return item.output
    return "\n".join(part.text for part in item.output)
