"""Chat completions on the wire: what is sent, and a reply as it grows, whole or in chunks."""

import dataclasses
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from crafter.llm.base import (
    MAX_REPLY_BYTES,
    ChatEvent,
    ChatMessage,
    ChatRequest,
    ContentPart,
    Finished,
    JsonSchemaFormat,
    NamedTool,
    RefusalDelta,
    ResponseFormat,
    TextDelta,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
    ToolDefinition,
    Usage,
    estimate_usage,
)
from crafter.llm.errors import ProviderFailed, ProviderReplyTooLarge

MOST_CALLS = 128
"""Calls of tools in one reply."""


def request_body(request: ChatRequest, unsupported: frozenset[str]) -> tuple[dict[str, Any], list[str]]:
    """What to send, and the names of the parameters that were left out because they are unsupported."""
    parameters = _parameters(request)
    dropped = sorted(parameters.keys() & unsupported)
    for name in dropped:
        del parameters[name]
    if "max_tokens" in parameters:
        parameters["max_completion_tokens"] = parameters.pop("max_tokens")
    if request.cache_key is not None:
        parameters["prompt_cache_key"] = request.cache_key
    if request.tools:
        parameters["tools"] = [_tool(tool) for tool in request.tools]
        if not request.may_call:
            parameters["tool_choice"] = "none"
    messages = [_message(message) for message in request.messages]
    return {"model": request.model, "messages": messages, **parameters}, dropped


def _parameters(request: ChatRequest) -> dict[str, Any]:
    """The knobs that are set, under our names, as they are sent; those of tools only where there are tools."""
    chosen = request.parameters
    parameters = {field.name: getattr(chosen, field.name) for field in dataclasses.fields(chosen)}
    if chosen.stop is not None:
        parameters["stop"] = list(chosen.stop)
    if chosen.response_format is not None:
        parameters["response_format"] = _response_format(chosen.response_format)
    if not request.tools:
        parameters["tool_choice"] = parameters["parallel_tool_calls"] = None
    elif chosen.tool_choice is not None:
        parameters["tool_choice"] = _tool_choice(chosen.tool_choice)
    return {name: value for name, value in parameters.items() if value is not None}


def _response_format(wanted: ResponseFormat) -> dict[str, Any]:
    if not isinstance(wanted, JsonSchemaFormat):
        return {"type": wanted}
    schema: dict[str, Any] = {"name": wanted.name, "schema": dict(wanted.schema)}
    if wanted.description is not None:
        schema["description"] = wanted.description
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return {"type": "json_schema", "json_schema": schema}


def _tool_choice(choice: ToolChoice) -> str | dict[str, Any]:
    if isinstance(choice, NamedTool):
        return {"type": "function", "function": {"name": choice.name}}
    return choice


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    function: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _part(part: ContentPart) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    image = {"url": part.url} if part.detail is None else {"url": part.url, "detail": part.detail}
    return {"type": "image_url", "image_url": image}


def _message(message: ChatMessage) -> dict[str, Any]:
    content = message.content
    sent: dict[str, Any] = {
        "role": message.role,
        "content": content if isinstance(content, str) else [_part(part) for part in content],
    }
    if message.tool_calls:
        sent["content"] = sent["content"] or None
        sent["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        sent["tool_call_id"] = message.tool_call_id
    return sent


class _Function(BaseModel):
    name: str | None = None
    arguments: str | None = None


class _Call(BaseModel):
    """A call, or the next piece of one: ``index`` says of which, and where it is missing an ``id`` begins one."""

    index: Annotated[int, Field(ge=0, lt=MOST_CALLS)] | None = None
    id: str | None = None
    function: _Function | None = None


class _Said(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: Annotated[list[_Call], Field(max_length=MOST_CALLS)] | None = None


class _Choice(BaseModel):
    delta: _Said | None = None
    message: _Said | None = None
    finish_reason: str | None = None


class _Chunk(BaseModel):
    """What we read of a reply, whole or in chunks."""

    choices: list[_Choice] | None = None
    usage: Any = None


_Tokens = Annotated[int, Field(ge=0, le=10**9)]


class _PromptDetails(BaseModel):
    cached_tokens: _Tokens | None = None
    cache_write_tokens: _Tokens | None = None


class _CompletionDetails(BaseModel):
    reasoning_tokens: _Tokens | None = None


class _ReportedUsage(BaseModel):
    prompt_tokens: _Tokens
    completion_tokens: _Tokens
    total_tokens: _Tokens | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


@dataclasses.dataclass(slots=True)
class _GrowingCall:
    id: str
    name: str = ""
    arguments: list[str] = dataclasses.field(default_factory=list)


class OpenAIReply:
    """A reply as it grows."""

    def __init__(self, provider: str) -> None:
        self.finish_reason: str | None = None
        self._provider = provider
        self._pieces: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, _GrowingCall] = {}
        self._bytes = 0
        self._usage: Usage | None = None

    def take(self, received: object) -> list[ChatEvent]:
        """Add what one chunk (or the whole document) says; its pieces. Raises ProviderFailed and ValueError."""
        chunk = _Chunk.model_validate(received)
        self._usage = _usage(chunk.usage) or self._usage
        if not chunk.choices:
            return []
        choice = chunk.choices[0]
        self.finish_reason = choice.finish_reason or self.finish_reason
        said = choice.delta or choice.message
        if said is None:
            return []
        events: list[ChatEvent] = []
        if said.content:
            self._weigh(said.content)
            self._pieces.append(said.content)
            events.append(TextDelta(said.content))
        if said.refusal:
            self._weigh(said.refusal)
            self._refusal.append(said.refusal)
            events.append(RefusalDelta(said.refusal))
        return [*events, *(self._grow(call) for call in said.tool_calls or ())]

    def finish(self, request: ChatRequest, dropped: list[str]) -> Finished:
        """The end of the reply. Raises ProviderFailed when the model had not finished."""
        if self.finish_reason is None:
            raise ProviderFailed(self._provider, "The answer broke off before its end.", retryable=True)
        text = "".join(self._pieces)
        calls = tuple(
            ToolCall(call.id, call.name, "".join(call.arguments)) for _, call in sorted(self._calls.items())
        )
        refusal = "".join(self._refusal)
        written = text + refusal + "".join(call.name + call.arguments for call in calls)
        usage = self._usage or estimate_usage(request, written)
        return Finished(text, usage, self.finish_reason, dropped, calls, refusal or None)

    def _grow(self, piece: _Call) -> ToolCallDelta:
        """Add a piece of a call; what is new in it. Some servers repeat the name with every piece."""
        index = piece.index
        if index is None:
            index = len(self._calls) if piece.id or not self._calls else len(self._calls) - 1
        is_first = index not in self._calls
        call = self._calls.setdefault(index, _GrowingCall(piece.id or f"call_{index}"))
        function = piece.function or _Function()
        name = function.name if function.name and function.name != call.name else None
        call.name = name or call.name
        arguments = function.arguments or ""
        self._weigh(arguments)
        call.arguments.append(arguments)
        return ToolCallDelta(index, call.id if is_first else None, name, arguments)

    def _weigh(self, text: str) -> None:
        self._bytes += len(text.encode())
        if self._bytes > MAX_REPLY_BYTES:
            raise ProviderReplyTooLarge(self._provider, f"The answer is longer than {MAX_REPLY_BYTES} bytes.")


def _usage(reported: object) -> Usage | None:
    """What the provider says was used; None when it says nothing, or nonsense."""
    try:
        usage = _ReportedUsage.model_validate(reported)
    except ValidationError:
        return None
    details = usage.prompt_tokens_details or _PromptDetails()
    cached = min(details.cached_tokens or 0, usage.prompt_tokens)
    thought = (usage.completion_tokens_details and usage.completion_tokens_details.reasoning_tokens) or 0
    return Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=max(usage.total_tokens or 0, usage.prompt_tokens + usage.completion_tokens),
        cached_tokens=cached,
        reasoning_tokens=min(thought, usage.completion_tokens),
        cache_write_tokens=min(details.cache_write_tokens or 0, usage.prompt_tokens - cached),
    )
