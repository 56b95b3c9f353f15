"""A caller without manners: sends the application just these bytes, as the server would hand them over."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import unquote

from starlette.types import ASGIApp, Message

Json: TypeAlias = Any
Headers: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]

HOST = b"crafter.test"


def strict_json(content: bytes) -> Json:
    """The value of a JSON text. Raises ValueError for what the standard does not know, such as NaN."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(content.decode("utf-8"), parse_constant=refuse)


def pairs(headers: Headers) -> list[tuple[str, str]]:
    """Names and values, one after another."""
    return list(headers.items() if isinstance(headers, Mapping) else headers)


@dataclass(frozen=True)
class Answer:
    """What came back; the names of headers are lower-case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Json:
        """The value of the body. Raises ValueError for what is not JSON to the letter."""
        return strict_json(self.content)

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


@dataclass(frozen=True)
class Wire:
    """Talks to the application without a socket, and without a client that would correct what is sent."""

    app: ASGIApp

    async def send(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Headers = (),
    ) -> Answer:
        """Send a request; ``target`` is path and query as they stand in the request line."""
        named = [(b"host", HOST), *_raw(pairs(headers))]
        if body:
            named.append((b"content-length", str(len(body)).encode()))
        path, _, query = target.partition("?")
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode("latin-1", "replace"),
            "query_string": query.encode("latin-1", "replace"),
            "root_path": "",
            "headers": named,
            "client": ("192.0.2.7", 50000),
            "server": ("crafter.test", 80),
        }
        collected = _Collector(body)
        await self.app(scope, collected.receive, collected.send)
        return collected.answer()


class _Collector:
    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._start: Message = {}
        self._chunks: list[bytes] = []

    async def receive(self) -> Message:
        if self._body is None:
            await asyncio.Event().wait()  # who is here to stay does not disconnect
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._chunks.append(message.get("body", b""))

    def answer(self) -> Answer:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._start["headers"]}
        return Answer(self._start["status"], headers, b"".join(self._chunks))


def _raw(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
