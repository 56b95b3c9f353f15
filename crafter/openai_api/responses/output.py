"""What a response consists of, as it grows: a message, and the calls of tools; each change is an event."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from crafter.core.ids import new_id
from crafter.llm.base import ChatEvent, Finished, RefusalDelta, TextDelta, ToolCallDelta
from crafter.openai_api.chat.answer import pieces_of

Shown = dict[str, Any]


@dataclass(slots=True)
class _Part:
    """Text, or a refusal."""

    kind: str
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def show(self) -> Shown:
        if self.kind == "refusal":
            return {"type": "refusal", "refusal": self.text}
        return {"type": "output_text", "text": self.text, "annotations": [], "logprobs": []}


@dataclass(slots=True)
class _Message:
    """What the model says."""

    index: int
    id: str = field(default_factory=lambda: f"msg_{new_id()}")
    parts: list[_Part] = field(default_factory=list)

    def show(self, status: str) -> Shown:
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [part.show() for part in self.parts],
        }

    def say(self, kind: str, text: str) -> Iterator[Shown]:
        """The next piece; another kind than before begins another part."""
        if not self.parts or self.parts[-1].kind != kind:
            part = _Part(kind)
            yield {
                "type": "response.content_part.added",
                **self._place(len(self.parts)),
                "part": part.show(),
            }
            self.parts.append(part)
        self.parts[-1].pieces.append(text)
        logprobs: Shown = {} if kind == "refusal" else {"logprobs": []}
        for piece in pieces_of(text):
            place = self._place(len(self.parts) - 1)
            yield {"type": f"response.{kind}.delta", **place, "delta": piece, **logprobs}

    def end(self) -> Iterator[Shown]:
        for number, part in enumerate(self.parts):
            told = {"refusal": part.text} if part.kind == "refusal" else {"text": part.text, "logprobs": []}
            yield {"type": f"response.{part.kind}.done", **self._place(number), **told}
            yield {"type": "response.content_part.done", **self._place(number), "part": part.show()}

    def _place(self, part: int) -> Shown:
        return {"item_id": self.id, "output_index": self.index, "content_index": part}


@dataclass(slots=True)
class _Call:
    """A tool that the model wants to have run."""

    index: int
    call_id: str
    id: str = field(default_factory=lambda: f"fc_{new_id()}")
    name: str = ""
    pieces: list[str] = field(default_factory=list)

    def show(self, status: str) -> Shown:
        return {
            "id": self.id,
            "type": "function_call",
            "status": status,
            "call_id": self.call_id,
            "name": self.name,
            "arguments": "".join(self.pieces),
        }

    def write(self, arguments: str) -> Iterator[Shown]:
        """The next piece of the arguments."""
        self.pieces.append(arguments)
        for piece in pieces_of(arguments):
            place = {"item_id": self.id, "output_index": self.index}
            yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}

    def end(self) -> Iterator[Shown]:
        yield {
            "type": "response.function_call_arguments.done",
            "item_id": self.id,
            "output_index": self.index,
            "name": self.name,
            "arguments": "".join(self.pieces),
        }


class Output:
    """The items of a response, in the order in which they began."""

    def __init__(self) -> None:
        self._items: list[_Message | _Call] = []
        self._message: _Message | None = None
        self._calls: dict[int, _Call] = {}

    @classmethod
    def of(cls, finished: Finished) -> "Output":
        """Those of a whole answer."""
        output = cls()
        pieces: list[ChatEvent] = [TextDelta(finished.text)] if finished.text else []
        pieces += [RefusalDelta(finished.refusal)] if finished.refusal else []
        pieces += [
            ToolCallDelta(number, call.id, call.name, call.arguments)
            for number, call in enumerate(finished.tool_calls)
        ]
        for piece in pieces:
            for _ in output.take(piece):
                pass
        return output

    def show(self, status: str) -> list[Shown]:
        """All items."""
        return [item.show(status) for item in self._items]

    def take(self, event: ChatEvent) -> Iterator[Shown]:
        """What a piece of the answer changes."""
        if isinstance(event, ToolCallDelta):
            yield from self._take_call(event)
        elif isinstance(event, TextDelta | RefusalDelta):
            if self._message is None:
                self._message = _Message(len(self._items))
                yield self._added(self._message)
            kind = "refusal" if isinstance(event, RefusalDelta) else "output_text"
            yield from self._message.say(kind, event.text)

    def end(self, status: str) -> Iterator[Shown]:
        """Nothing follows any more. Calls may come interleaved, so no item ends before that."""
        for item in self._items:
            yield from item.end()
            yield {
                "type": "response.output_item.done",
                "output_index": item.index,
                "item": item.show(status),
            }

    def _take_call(self, event: ToolCallDelta) -> Iterator[Shown]:
        call = self._calls.get(event.index)
        if call is None:
            call = _Call(len(self._items), event.id or f"call_{event.index}", name=event.name or "")
            self._calls[event.index] = call
            yield self._added(call)
        call.name = event.name or call.name
        yield from call.write(event.arguments)

    def _added(self, item: _Message | _Call) -> Shown:
        self._items.append(item)
        return {
            "type": "response.output_item.added",
            "output_index": item.index,
            "item": item.show("in_progress"),
        }
