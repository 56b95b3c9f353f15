"""The port to model vendors: what is asked of a model, and what comes back."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Literal, Protocol

MAX_REPLY_BYTES = 256 * 1024
"""The longest reply that is taken from a model, in bytes of UTF-8."""

_CHARACTERS_PER_TOKEN = 4

ChatRole = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of the conversation that a model is to continue."""

    role: ChatRole
    content: str


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
    """One call. Calls with the same ``cache_key`` share their beginning, so a vendor may reuse its work."""

    model: str
    messages: list[ChatMessage]
    parameters: ChatParameters = field(default_factory=ChatParameters)
    cache_key: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call used. ``cached_tokens`` are those of the prompt that the vendor had seen before."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply is complete; its last event. ``dropped_parameters``: those that the vendor does not take."""

    text: str
    usage: Usage
    finish_reason: str
    dropped_parameters: list[str] = field(default_factory=list)


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
    prompt = _tokens(sum(len(message.content) for message in request.messages))
    completion = _tokens(len(text))
    return Usage(prompt, completion, prompt + completion, estimated=True)


def _tokens(characters: int) -> int:
    return -(-characters // _CHARACTERS_PER_TOKEN)
