"""The port to model vendors: what is asked of a model, and what comes back."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

MAX_REPLY_BYTES = 256 * 1024
"""The longest reply that is taken from a model, in bytes of UTF-8."""

_CHARACTERS_PER_TOKEN = 4

ChatRole = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool that a model may call; ``parameters`` is the JSON Schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to have a tool run; ``arguments`` is JSON text, as the model wrote it: it may be broken."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of the conversation that a model is to continue.

    An assistant's may call tools; a tool's is the result of the call that ``tool_call_id`` names.
    """

    role: ChatRole
    content: str
    tool_calls: Sequence[ToolCall] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class ChatParameters:
    """The knobs of a call; None leaves the choice to the vendor."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call. Calls with the same ``cache_key`` share their beginning, so a vendor may reuse its work.

    ``may_call`` False: the model must answer; ``tools`` are there because earlier messages speak of them.
    """

    model: str
    messages: Sequence[ChatMessage]
    parameters: ChatParameters = field(default_factory=ChatParameters)
    cache_key: str | None = None
    tools: Sequence[ToolDefinition] = ()
    may_call: bool = True


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call used. ``cached_tokens`` are those of the prompt that the vendor had seen before."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int = 0
    estimated: bool = False

    def __add__(self, other: Self) -> Self:
        """What two calls used together."""
        return type(self)(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.total_tokens + other.total_tokens,
            self.cached_tokens + other.cached_tokens,
            self.estimated or other.estimated,
        )


NOTHING_USED = Usage(0, 0, 0)


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply is complete; its last event. ``dropped_parameters``: those that the vendor does not take.

    With ``tool_calls`` the model waits for their results before it goes on.
    """

    text: str
    usage: Usage
    finish_reason: str
    dropped_parameters: list[str] = field(default_factory=list)
    tool_calls: Sequence[ToolCall] = ()


ChatEvent = TextDelta | Finished


class ChatModel(Protocol):
    """A vendor with a key: every way of asking it for a reply.

    Both methods raise ProviderFailed (or a subclass), ProviderTimedOut, and EgressRefused.
    """

    def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Text as it comes, then one Finished. An error may come after text; what came before it was said.

        Close the generator (``contextlib.aclosing``) to hang up before the end.
        """
        ...

    async def complete(self, request: ChatRequest) -> Finished:
        """The whole reply at once."""
        ...


def estimate_usage(request: ChatRequest, text: str) -> Usage:
    """What a call used, where the vendor did not say: four characters are a token."""
    prompt = _tokens(sum(_length(message) for message in request.messages))
    completion = _tokens(len(text))
    return Usage(prompt, completion, prompt + completion, estimated=True)


def _length(message: ChatMessage) -> int:
    return len(message.content) + sum(len(call.name) + len(call.arguments) for call in message.tool_calls)


def tokens_in(text: str) -> int:
    """About how many tokens a text has."""
    return _tokens(len(text))


def _tokens(characters: int) -> int:
    return -(-characters // _CHARACTERS_PER_TOKEN)
