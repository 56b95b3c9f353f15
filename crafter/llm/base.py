"""The port to model vendors: what is asked of a model, and what comes back."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

MAX_REPLY_BYTES = 256 * 1024
"""The longest reply that is taken from a model, in bytes of UTF-8."""

_CHARACTERS_PER_TOKEN = 4

IMAGE_TOKENS = 1_000
"""About how many tokens of a prompt an image takes; vendors count by its size, which nobody here looks at."""

ChatRole = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool that a model may call; ``parameters`` is the JSON Schema of its arguments.

    ``strict``: the vendor makes sure that the arguments keep to it; None leaves that to the vendor.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to have a tool run; ``arguments`` is JSON text, as the model wrote it: it may be broken."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text, between images."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image: ``url`` is where the vendor finds it, or the image itself as ``data:<type>;base64,<data>``."""

    url: str
    detail: Literal["auto", "low", "high"] | None = None


ContentPart = TextPart | ImagePart


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of the conversation that a model is to continue; ``content`` has parts where it shows images.

    An assistant's may call tools; a tool's is the result of the call that ``tool_call_id`` names.
    """

    role: ChatRole
    content: str | Sequence[ContentPart]
    tool_calls: Sequence[ToolCall] = ()
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """What is said, without the images."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def images(self) -> Sequence[ImagePart]:
        """What is shown."""
        parts = () if isinstance(self.content, str) else self.content
        return [part for part in parts if isinstance(part, ImagePart)]


@dataclass(frozen=True, slots=True)
class JsonSchemaFormat:
    """A reply that is JSON of one schema; ``name`` tells the model what it is."""

    name: str
    schema: Mapping[str, Any]
    description: str | None = None
    strict: bool | None = None


ResponseFormat = Literal["text", "json_object"] | JsonSchemaFormat


@dataclass(frozen=True, slots=True)
class NamedTool:
    """The one tool that the model has to call."""

    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool


@dataclass(frozen=True, slots=True)
class ChatParameters:
    """The knobs of a call; None leaves the choice to the vendor.

    ``stop`` are texts before which the reply ends. ``tool_choice`` and ``parallel_tool_calls`` mean nothing
    without tools.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: Sequence[str] | None = None
    seed: int | None = None
    reasoning_effort: str | None = None
    response_format: ResponseFormat | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None


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
    """What a call used. ``cached_tokens`` are those of the prompt that the vendor had seen before,
    ``cache_write_tokens`` those that it keeps for the next time, and ``reasoning_tokens`` those of the completion
    that were thought and not said."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int = 0
    estimated: bool = False
    reasoning_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: Self) -> Self:
        """What two calls used together."""
        return type(self)(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.total_tokens + other.total_tokens,
            self.cached_tokens + other.cached_tokens,
            self.estimated or other.estimated,
            self.reasoning_tokens + other.reasoning_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
        )


NOTHING_USED = Usage(0, 0, 0)


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """The next piece of what the model says instead of a reply."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """The next piece of a call: ``index`` says of which; ``id`` and ``name`` come with its first one."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply is complete; its last event. ``dropped_parameters``: those that the vendor does not take.

    With ``tool_calls`` the model waits for their results before it goes on. ``refusal`` is what it said instead of
    a reply.
    """

    text: str
    usage: Usage
    finish_reason: str
    dropped_parameters: list[str] = field(default_factory=list)
    tool_calls: Sequence[ToolCall] = ()
    refusal: str | None = None


ChatEvent = TextDelta | RefusalDelta | ToolCallDelta | Finished


class ChatModel(Protocol):
    """A vendor with a key: every way of asking it for a reply.

    Both methods raise ProviderFailed (or a subclass), ProviderTimedOut, and EgressRefused.
    """

    def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Text, calls and refusals as they come, then one Finished with all of it.

        An error may come after text; what came before it was said.

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
    """The characters of a message; an image counts as so many as take its tokens."""
    calls = sum(len(call.name) + len(call.arguments) for call in message.tool_calls)
    return len(message.text) + calls + len(message.images) * IMAGE_TOKENS * _CHARACTERS_PER_TOKEN


def tokens_in(text: str) -> int:
    """About how many tokens a text has."""
    return _tokens(len(text))


def _tokens(characters: int) -> int:
    return -(-characters // _CHARACTERS_PER_TOKEN)
