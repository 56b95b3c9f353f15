"""Chat completions on the wire: what is sent, and a reply as it grows, whole or in chunks."""

import dataclasses
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from crafter.llm.base import (
    MAX_REPLY_BYTES,
    ChatMessage,
    ChatRequest,
    Finished,
    ToolCall,
    ToolDefinition,
    Usage,
    estimate_usage,
)
from crafter.llm.errors import ProviderFailed, ProviderReplyTooLarge

MOST_CALLS = 128
"""Calls of tools in one reply."""


def request_body(request: ChatRequest, unsupported: frozenset[str]) -> tuple[dict[str, Any], list[str]]:
    """What to send, and the names of the parameters that were left out because they are unsupported."""
    set_values = dataclasses.asdict(request.parameters).items()
    parameters = {name: value for name, value in set_values if value is not None}
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


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def _message(message: ChatMessage) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        sent["content"] = message.content or None
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


class _TokenDetails(BaseModel):
    cached_tokens: _Tokens | None = None


class _ReportedUsage(BaseModel):
    prompt_tokens: _Tokens
    completion_tokens: _Tokens
    total_tokens: _Tokens | None = None
    prompt_tokens_details: _TokenDetails | None = None


@dataclasses.dataclass(slots=True)
class _GrowingCall:
    id: str = ""
    name: str = ""
    arguments: list[str] = dataclasses.field(default_factory=list)


class OpenAIReply:
    """A reply as it grows."""

    def __init__(self, provider: str) -> None:
        self.finish_reason: str | None = None
        self._provider = provider
        self._pieces: list[str] = []
        self._calls: dict[int, _GrowingCall] = {}
        self._bytes = 0
        self._usage: Usage | None = None

    def take(self, received: object) -> str:
        """Add what one chunk (or the whole document) says; its text. Raises ProviderFailed and ValueError."""
        chunk = _Chunk.model_validate(received)
        self._usage = _usage(chunk.usage) or self._usage
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        self.finish_reason = choice.finish_reason or self.finish_reason
        said = choice.delta or choice.message
        if said is None:
            return ""
        for call in said.tool_calls or ():
            self._grow(call)
        text = said.content or ""
        self._weigh(text)
        self._pieces.append(text)
        return text

    def finish(self, request: ChatRequest, dropped: list[str]) -> Finished:
        """The end of the reply. Raises ProviderFailed when the model had not finished."""
        if self.finish_reason is None:
            raise ProviderFailed(self._provider, "The answer broke off before its end.", retryable=True)
        text = "".join(self._pieces)
        calls = tuple(
            ToolCall(call.id or f"call_{index}", call.name, "".join(call.arguments))
            for index, call in sorted(self._calls.items())
        )
        written = text + "".join(call.name + call.arguments for call in calls)
        usage = self._usage or estimate_usage(request, written)
        return Finished(text, usage, self.finish_reason, dropped, calls)

    def _grow(self, piece: _Call) -> None:
        index = piece.index
        if index is None:
            index = len(self._calls) if piece.id or not self._calls else len(self._calls) - 1
        call = self._calls.setdefault(index, _GrowingCall())
        call.id = piece.id or call.id
        if piece.function is not None:
            call.name = piece.function.name or call.name
            call.arguments.append(piece.function.arguments or "")
            self._weigh(piece.function.arguments or "")

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
    cached = (usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens) or 0
    return Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=max(usage.total_tokens or 0, usage.prompt_tokens + usage.completion_tokens),
        cached_tokens=min(cached, usage.prompt_tokens),
    )
