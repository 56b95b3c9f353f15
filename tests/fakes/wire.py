"""What providers put on the wire: OpenAI's and Anthropic's answers, as JSON and as server-sent events."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class Call(NamedTuple):
    """A tool that the model wants to have run; ``arguments`` is JSON text, or whatever a fault makes of it."""

    id: str
    name: str
    arguments: str


class Answer(NamedTuple):
    """What a provider is about to say. ``usage`` is in OpenAI's terms, or whatever a fault makes of it."""

    model: str
    pieces: Sequence[str]
    finish_reason: str
    usage: Any
    calls: Sequence[Call] = ()


class Frames(NamedTuple):
    """An answer as server-sent events: those before the text, one for each piece of it, those after it."""

    opening: list[bytes]
    pieces: list[bytes]
    closing: list[bytes]


class Dialect(Protocol):
    """How one provider speaks."""

    def document(self, answer: Answer) -> dict[str, Any]: ...

    def frames(self, answer: Answer, *, include_usage: bool) -> Frames: ...

    def error(self, status: int, message: str) -> dict[str, Any]: ...


def event(data: Any, name: str | None = None) -> bytes:
    """One server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


class OpenAI:
    """``POST /v1/chat/completions``."""

    def document(self, answer: Answer) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(answer.pieces), "refusal": None}
        if answer.calls:
            message |= {"content": message["content"] or None, "tool_calls": self._calls(answer)}
        return {
            "id": "chatcmpl-fake",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": answer.model,
            "choices": [
                {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}
            ],
            "usage": answer.usage,
        }

    def frames(self, answer: Answer, *, include_usage: bool) -> Frames:
        def chunk(delta: dict[str, Any] | None, finish_reason: str | None = None) -> bytes:
            choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
            usage = {"usage": answer.usage if delta is None else None} if include_usage else {}
            return event(
                {
                    "id": "chatcmpl-fake",
                    "object": "chat.completion.chunk",
                    "created": 1_700_000_000,
                    "model": answer.model,
                    "choices": choices,
                    **usage,
                }
            )

        return Frames(
            opening=[chunk({"role": "assistant", "content": ""})],
            pieces=[chunk({"content": piece}) for piece in answer.pieces],
            closing=[
                *(chunk({"tool_calls": [piece]}) for piece in self._pieces_of_calls(answer)),
                chunk({}, answer.finish_reason),
                *([chunk(None)] if include_usage else []),
                event("[DONE]"),
            ],
        )

    def _calls(self, answer: Answer) -> list[dict[str, Any]]:
        return [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.calls
        ]

    def _pieces_of_calls(self, answer: Answer) -> Iterator[dict[str, Any]]:
        """A call comes with its name first; its arguments follow in two pieces."""
        for index, call in enumerate(answer.calls):
            yield {
                "index": index,
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": ""},
            }
            half = len(call.arguments) // 2
            for part in (call.arguments[:half], call.arguments[half:]):
                yield {"index": index, "function": {"arguments": part}}

    def error(self, status: int, message: str) -> dict[str, Any]:
        return {"error": {"message": message, "type": "fake_error", "param": None, "code": None}}


class Anthropic:
    """``POST /v1/messages``."""

    _STOP_REASONS: Mapping[str, str] = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}

    def document(self, answer: Answer) -> dict[str, Any]:
        return self._message(answer) | {
            "content": [{"type": "text", "text": "".join(answer.pieces)}],
            "stop_reason": self._stop_reason(answer),
            "usage": self._usage(answer),
        }

    def frames(self, answer: Answer, *, include_usage: bool) -> Frames:
        def frame(kind: str, **fields: Any) -> bytes:
            return event({"type": kind, **fields}, kind)

        usage = self._usage(answer)
        start: dict[str, Any] = {"content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
        return Frames(
            opening=[
                frame("message_start", message=self._message(answer) | start),
                frame("content_block_start", index=0, content_block={"type": "text", "text": ""}),
            ],
            pieces=[
                frame("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
                for piece in answer.pieces
            ],
            closing=[
                frame("content_block_stop", index=0),
                frame(
                    "message_delta",
                    delta={"stop_reason": self._stop_reason(answer), "stop_sequence": None},
                    usage={"output_tokens": usage["output_tokens"]},
                ),
                frame("message_stop"),
            ],
        )

    def error(self, status: int, message: str) -> dict[str, Any]:
        return {"type": "error", "error": {"type": "fake_error", "message": message}}

    def _message(self, answer: Answer) -> dict[str, Any]:
        return {
            "id": "msg_fake",
            "type": "message",
            "role": "assistant",
            "model": answer.model,
            "stop_sequence": None,
        }

    def _stop_reason(self, answer: Answer) -> str:
        return self._STOP_REASONS.get(answer.finish_reason, answer.finish_reason)

    def _usage(self, answer: Answer) -> dict[str, Any]:
        usage = answer.usage or {}
        return {
            "input_tokens": usage.get("prompt_tokens", 0),
            "output_tokens": usage.get("completion_tokens", 0),
        }
