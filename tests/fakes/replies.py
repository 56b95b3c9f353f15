"""What the fake provider can be told to do: reply, fail with a status, or misbehave in one of twelve ways."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.fakes.wire import Answer, Call, Dialect, OpenAI, event

COUNTED: Final = object()
"""As usage: four characters are a token."""


@dataclass(frozen=True)
class RecordedRequest:
    """A request as the provider saw it. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any

    @property
    def key(self) -> str:
        """The API key that was presented, or nothing."""
        return self.headers.get("authorization", "").removeprefix("Bearer ") or self.headers.get(
            "x-api-key", ""
        )

    @property
    def streaming(self) -> bool:
        """Whether the caller asked for server-sent events."""
        return bool(self.body.get("stream"))

    @property
    def last_words(self) -> str:
        """The text of the last user message."""
        users = [message for message in self.body["messages"] if message["role"] == "user"]
        return _text(users[-1]["content"]) if users else ""

    @property
    def characters(self) -> int:
        """The length of all messages together."""
        contents = [message["content"] or "" for message in self.body["messages"]]
        return sum(len(_text(content)) for content in [*contents, self.body.get("system") or ""])


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


@dataclass
class Exchange:
    """One request, and the connection on which to answer it."""

    request: RecordedRequest
    dialect: Dialect
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *data: bytes) -> None:
        """Write, and wait until the caller keeps up. Raises ConnectionError when the caller has left."""
        self.writer.write(b"".join(data))
        await self.writer.drain()

    async def send_document(
        self, document: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with a JSON body; text and bytes are sent as they are."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        await self.send(_head(status, fields), body)

    async def open_body(self) -> None:
        """Send the head of a reply whose body is chunked: an event stream, or JSON, as was asked for."""
        kind = "text/event-stream" if self.request.streaming else "application/json"
        await self.send(_head(200, {"Content-Type": kind, "Transfer-Encoding": "chunked"}))

    async def send_part(self, *parts: bytes) -> None:
        """Send parts of a chunked body, each as a chunk."""
        await self.send(*(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part))

    async def close_body(self) -> None:
        """End a chunked body."""
        await self.send(b"0\r\n\r\n")

    async def hang(self) -> None:
        """Stay silent until the caller leaves. Raises ConnectionError then."""
        await self.reader.read()
        raise ConnectionResetError

    async def wait_for(self, gate: asyncio.Event) -> None:
        """Wait until the gate is open. Raises ConnectionError when the caller leaves before that."""
        opened = asyncio.create_task(gate.wait())
        left = asyncio.create_task(self.hang())
        try:
            await asyncio.wait({opened, left}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone = left.done()
            opened.cancel()
            left.cancel()
            await asyncio.wait({opened, left})
        if gone:
            await left

    def break_off(self) -> None:
        """Cut the connection."""
        self.writer.transport.abort()


Script = Callable[[Exchange], Awaitable[None]]


def _head(status: int, fields: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode()


@dataclass(frozen=True)
class Reply:
    """A proper answer: by default ``You said: <last user message>``, a word at a time.

    With a ``gate`` a stream stops after ``gate_after`` pieces until the gate is set. ``usage`` goes out as it
    is, in OpenAI's terms; None leaves it out.
    """

    text: str | None = None
    finish_reason: str = "stop"
    usage: Any = COUNTED
    delay_seconds: float = 0.0
    gate: asyncio.Event | None = None
    gate_after: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    calls: Sequence[Call] = ()

    def answer_to(self, request: RecordedRequest) -> Answer:
        """What is said in reply to a request."""
        text = f"You said: {request.last_words}" if self.text is None else self.text
        usage = _count(request, text) if self.usage is COUNTED else self.usage
        pieces = re.findall(r"\s*\S+|\s+$", text)
        return Answer(request.body.get("model", "fake"), pieces, self.finish_reason, usage, self.calls)

    async def __call__(self, exchange: Exchange) -> None:
        answer = self.answer_to(exchange.request)
        if not exchange.request.streaming:
            await self._pause(exchange, len(answer.pieces))
            document = exchange.dialect.document(answer)
            await exchange.send_document(document, headers=self.headers)
            return
        include_usage = bool((exchange.request.body.get("stream_options") or {}).get("include_usage"))
        frames = exchange.dialect.frames(answer, include_usage=include_usage and answer.usage is not None)
        await exchange.open_body()
        if self.gate is None and not self.delay_seconds:
            await exchange.send_part(*frames.opening, *frames.pieces, *frames.closing)
        else:
            await exchange.send_part(*frames.opening)
            for number, piece in enumerate(frames.pieces):
                await self._pause(exchange, number)
                await exchange.send_part(piece)
            await self._pause(exchange, len(frames.pieces))
            await exchange.send_part(*frames.closing)
        await exchange.close_body()

    async def _pause(self, exchange: Exchange, pieces_sent: int) -> None:
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if self.gate is not None and pieces_sent >= self.gate_after:
            await exchange.wait_for(self.gate)


def calling(*tools: tuple[str, Any], text: str = "") -> Reply:
    """The model wants these tools run, each a name and its arguments: an object, or text that is sent as it is."""
    calls = [
        Call(f"call_{number}", name, given if isinstance(given, str) else json.dumps(given))
        for number, (name, given) in enumerate(tools, 1)
    ]
    return Reply(text, finish_reason="tool_calls", calls=calls)


def _count(request: RecordedRequest, text: str) -> dict[str, Any]:
    prompt, completion = -(-request.characters // 4), -(-len(text) // 4)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0},
    }


@dataclass(frozen=True)
class Failure:
    """An error with a status. ``{key}`` in the message becomes the API key that was presented."""

    status: int
    message: str = "The fake provider was told to fail."
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    async def __call__(self, exchange: Exchange) -> None:
        message = self.message.replace("{key}", exchange.request.key)
        body = exchange.dialect.error(self.status, message) if self.body is None else self.body
        await exchange.send_document(body, self.status, self.headers)


async def refuse(exchange: Exchange) -> None:
    """Cuts the connection instead of answering."""
    exchange.break_off()


async def hang_before_head(exchange: Exchange) -> None:
    """Takes the request and never answers."""
    await exchange.hang()


async def hang_after_head(exchange: Exchange) -> None:
    """Sends a status and headers, and nothing after them."""
    await exchange.open_body()
    await exchange.hang()


async def half_stream(exchange: Exchange) -> None:
    """Says half of its answer, and cuts the connection."""
    await _say_half(exchange)
    exchange.break_off()


async def half_stream_well_ended(exchange: Exchange) -> None:
    """Says half of its answer, and ends the reply as if that were all."""
    await _say_half(exchange)
    await exchange.close_body()


async def never_done(exchange: Exchange) -> None:
    """Says half of its answer, and then neither goes on nor ends."""
    await _say_half(exchange)
    await exchange.hang()


async def done_then_cut(exchange: Exchange) -> None:
    """Says everything up to ``[DONE]``, and cuts the connection without ending the reply."""
    frames = exchange.dialect.frames(Reply().answer_to(exchange.request), include_usage=True)
    await exchange.open_body()
    await exchange.send_part(*frames.opening, *frames.pieces, *frames.closing)
    exchange.writer.close()


async def bad_json(exchange: Exchange) -> None:
    """Sends JSON that ends in the middle."""
    broken = b'{"id": "x", "choices": [{"delta": {"content": "He'
    await exchange.open_body()
    await exchange.send_part(b"data: " + broken + b"\n\n" if exchange.request.streaming else broken)
    await exchange.close_body()


async def wrong_events(exchange: Exchange) -> None:
    """Sends JSON that is no answer: other types than agreed where there should be text."""
    nonsense = {"choices": {"delta": 7, "message": [None]}, "usage": "lots"}
    await exchange.open_body()
    await exchange.send_part(
        event(nonsense) if exchange.request.streaming else json.dumps(nonsense).encode(),
        event("[DONE]") if exchange.request.streaming else b"",
    )
    await exchange.close_body()


async def web_page(exchange: Exchange) -> None:
    """Answers 200 with the page of some proxy."""
    page = b"<html><body>Please log in</body></html>"
    await exchange.send_document(page, headers={"Content-Type": "text/html"})


async def drip(exchange: Exchange) -> None:
    """Sends a proper answer, a byte a second."""
    answer = Reply().answer_to(exchange.request)
    frames = OpenAI().frames(answer, include_usage=True)
    await exchange.open_body()
    for byte in b"".join([*frames.opening, *frames.pieces, *frames.closing]):
        await exchange.send_part(bytes([byte]))
        await asyncio.sleep(1)


async def flood(exchange: Exchange) -> None:
    """Sends an answer of 100 MB."""
    piece = "x" * 65536
    frames = exchange.dialect.frames(Answer("fake", [piece], "stop", None), include_usage=False)
    await exchange.open_body()
    for _ in range(100_000_000 // len(piece)):
        await exchange.send_part(frames.pieces[0] if exchange.request.streaming else piece.encode())
    await exchange.close_body()


async def flood_in_one_event(exchange: Exchange) -> None:
    """Sends 100 MB as one event that never ends."""
    await exchange.open_body()
    await exchange.send_part(b'data: {"choices": [{"delta": {"content": "')
    for _ in range(100_000_000 // 65536):
        await exchange.send_part(b"x" * 65536)
    await exchange.close_body()


wrong_usage = Reply(usage={"prompt_tokens": -5, "completion_tokens": "many", "total_tokens": None})
"""A proper answer with nonsense for usage."""


async def invalid_utf8(exchange: Exchange) -> None:
    """Sends bytes that are no text."""
    broken = b'{"choices": [{"delta": {"content": "\xff\xfe"}, "message": {"content": "\xff\xfe"}}]}'
    await exchange.open_body()
    await exchange.send_part(b"data: " + broken + b"\n\n" if exchange.request.streaming else broken)
    await exchange.close_body()


async def error_in_stream(exchange: Exchange) -> None:
    """Says half of its answer, then that something went wrong, naming the API key."""
    await _say_half(exchange)
    await exchange.send_part(event({"error": {"message": f"Overloaded. Key: {exchange.request.key}"}}))
    await exchange.close_body()


async def _say_half(exchange: Exchange) -> None:
    frames = exchange.dialect.frames(Reply().answer_to(exchange.request), include_usage=True)
    await exchange.open_body()
    await exchange.send_part(*frames.opening, *frames.pieces[: len(frames.pieces) // 2])


FAULTS: Mapping[str, Script] = {
    "refuse": refuse,
    "hang before head": hang_before_head,
    "hang after head": hang_after_head,
    "half stream": half_stream,
    "429 with Retry-After": Failure(429, "Slow down.", {"Retry-After": "7"}),
    "500": Failure(500, "The server had an error."),
    "bad JSON": bad_json,
    "wrong events": wrong_events,
    "a byte a second": drip,
    "100 MB": flood,
    "wrong usage": wrong_usage,
    "invalid UTF-8": invalid_utf8,
    "never done": never_done,
}
"""The scripted faults by name; a script takes one for each request it is to spoil."""
