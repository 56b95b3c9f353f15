"""Chat completions as they are answered, whole or in chunks."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from crafter.execution.events import Failed
from crafter.execution.frames import frame
from crafter.llm.base import Finished, RefusalDelta, TextDelta, ToolCallDelta, Usage
from crafter.openai_api.asking import Event
from crafter.openai_api.failures import error_object

DONE = b"data: [DONE]\n\n"
"""The last frame of a stream that has come to its end."""

_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter"})
_PIECE = 2_000
"""Characters of one frame at the most."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What each part of one answer says of the whole; ``created`` is in seconds since 1970."""

    id: str
    model: str
    created: int

    def whole(self, finished: Finished) -> dict[str, Any]:
        """The answer at once."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": finished.text,
            "refusal": finished.refusal,
        }
        if finished.tool_calls or finished.refusal:
            message["content"] = finished.text or None
        if finished.tool_calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in finished.tool_calls
            ]
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": reason_of(finished.finish_reason),
        }
        return {**self._about("chat.completion"), "choices": [choice], "usage": show_usage(finished.usage)}

    async def frames(
        self, events: AsyncGenerator[Event, None], *, include_usage: bool
    ) -> AsyncIterator[bytes]:
        """The answer as it comes; a failure is its last frame, without ``[DONE]``."""
        usage: dict[str, Any] = {"usage": None} if include_usage else {}
        yield self._chunk({"role": "assistant", "content": ""}, usage)
        async with aclosing(events):
            async for event in events:
                for one in self._frames_of(event, usage):
                    yield one

    def _frames_of(self, event: Event, usage: Mapping[str, Any]) -> Iterator[bytes]:
        if isinstance(event, Failed):
            yield frame({"error": error_object(event.error)})
        elif isinstance(event, Finished):
            yield self._chunk({}, usage, reason_of(event.finish_reason))
            if usage:
                told = {"choices": [], "usage": show_usage(event.usage)}
                yield frame({**self._about("chat.completion.chunk"), **told})
            yield DONE
        else:
            for delta in deltas_of(event):
                yield self._chunk(delta, usage)

    def _chunk(self, delta: dict[str, Any], usage: Mapping[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return frame({**self._about("chat.completion.chunk"), "choices": [choice], **usage})

    def _about(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def show_usage(usage: Usage) -> dict[str, Any]:
    """What an answer took."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def reason_of(told: str) -> str:
    """Why the answer ends, in OpenAI's words; what others say beyond them is an ordinary end."""
    return told if told in _REASONS else "stop"


def deltas_of(event: TextDelta | RefusalDelta | ToolCallDelta) -> list[dict[str, Any]]:
    """A piece of the answer, as one delta or more."""
    if isinstance(event, ToolCallDelta):
        function = {} if event.name is None else {"name": event.name}
        call: dict[str, Any] = {"index": event.index}
        if event.id is not None:
            call |= {"id": event.id, "type": "function"}
        pieces = pieces_of(event.arguments) or [""]
        first = {**call, "function": {**function, "arguments": pieces[0]}}
        more = [{"index": event.index, "function": {"arguments": piece}} for piece in pieces[1:]]
        return [{"tool_calls": [one]} for one in (first, *more)]
    field = "content" if isinstance(event, TextDelta) else "refusal"
    return [{field: piece} for piece in pieces_of(event.text)]


def pieces_of(text: str) -> list[str]:
    """A text in pieces that fit into a frame."""
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
