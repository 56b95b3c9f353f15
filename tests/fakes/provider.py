"""A model provider for tests, demos and benchmarks: an HTTP server with OpenAI's and Anthropic's API.

    python -m tests.fakes.provider --port 9000

It echoes (``You said: …``) unless it is told otherwise, request by request, with ``script``.
"""

import argparse
import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import cast

from tests.fakes.replies import Exchange, Failure, RecordedRequest, Reply, Script
from tests.fakes.wire import Anthropic, Dialect, OpenAI

MODELS = ("gpt-4o-mini", "gpt-4o", "claude-sonnet-4-6")
_DIALECTS: dict[str, Dialect] = {"/v1/chat/completions": OpenAI(), "/v1/messages": Anthropic()}


class FakeProvider:
    """The server. ``requests`` are those it got, oldest first (the newest ``remember`` of them)."""

    def __init__(self, default: Script | None = None, *, remember: int = 10_000) -> None:
        self.default = default or Reply()
        self.host = "127.0.0.1"
        self.port = 0
        self.requests: deque[RecordedRequest] = deque(maxlen=remember)
        self.asides: defaultdict[str, list[RecordedRequest]] = defaultdict(list)
        self.accepted = 0
        self._scripted: deque[Script] = deque()
        self._scripted_asides: defaultdict[str, deque[Script]] = defaultdict(deque)
        self._talks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()

    @property
    def url(self) -> str:
        """The root, as Anthropic's SDK wants it."""
        return f"http://{self.host}:{self.port}"

    @property
    def base_url(self) -> str:
        """The base, as OpenAI's SDK wants it."""
        return f"{self.url}/v1"

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and port, as an egress policy wants them."""
        return self.host, self.port

    def script(self, *replies: Script) -> None:
        """Do these things for the next requests, one for each, before the default again."""
        self._scripted.extend(replies)

    def script_aside(self, purpose: str, *replies: Script) -> None:
        """The same for what is asked beside turns, which does not count as one of ``requests``.

        It is known by its cache key, ``agent_<id>_<purpose>``, and found in ``asides[purpose]``.
        """
        self._scripted_asides[purpose].extend(replies)

    def forget(self) -> None:
        """Drop what was asked and what was scripted."""
        self.requests.clear()
        self.asides.clear()
        self._scripted.clear()
        self._scripted_asides.clear()

    async def received(self, count: int = 1) -> RecordedRequest:
        """Wait until there were so many requests; the last of them."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.requests) >= count)
        return self.requests[count - 1]

    async def received_aside(self, purpose: str, count: int = 1) -> RecordedRequest:
        """The same for what is asked beside turns."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.asides[purpose]) >= count)
        return self.asides[purpose][count - 1]

    async def deserted(self) -> None:
        """Wait until no connection is open."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._talks)

    async def start(self, port: int = 0) -> asyncio.Server:
        """Listen on a port; 0 picks a free one."""
        server = await asyncio.start_server(self._accept, self.host, port, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def stop_talking(self) -> None:
        """Cut every open connection."""
        talks = list(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._talks.add(asyncio.create_task(self._talk(reader, writer)))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):  # the caller has left
                while not writer.is_closing():
                    request = await _read(reader)
                    await self._remember(request)
                    await self._serve(request, reader, writer)
        finally:
            writer.close()
            self._talks.remove(cast("asyncio.Task[None]", asyncio.current_task()))
            async with self._changed:
                self._changed.notify_all()

    async def _remember(self, request: RecordedRequest) -> None:
        purpose = _purpose(request)
        (self.requests if purpose is None else self.asides[purpose]).append(request)
        async with self._changed:
            self._changed.notify_all()

    async def _serve(
        self, request: RecordedRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        exchange = Exchange(request, _DIALECTS.get(request.path, OpenAI()), reader, writer)
        if request.method == "POST" and request.path in _DIALECTS:
            purpose = _purpose(request)
            scripted = self._scripted if purpose is None else self._scripted_asides[purpose]
            respond = scripted.popleft() if scripted else self.default
            await respond(exchange)
        elif (request.method, request.path) == ("GET", "/v1/models"):
            models = [{"id": model, "object": "model", "created": 0, "owned_by": "fake"} for model in MODELS]
            await exchange.send_document({"object": "list", "data": models})
        else:
            await Failure(HTTPStatus.NOT_FOUND, f"Unknown request URL: {request.path}")(exchange)


def _purpose(request: RecordedRequest) -> str | None:
    """What is asked for beside a turn."""
    cache_key = request.body.get("prompt_cache_key") if isinstance(request.body, dict) else None
    parts = cache_key.split("_") if isinstance(cache_key, str) else []
    return parts[2] if len(parts) == 3 and parts[0] == "agent" else None


async def _read(reader: asyncio.StreamReader) -> RecordedRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.splitlines()
    method, target, _ = first.split(" ", 2)
    fields = (line.split(":", 1) for line in lines if line)
    headers = {name.lower(): value.strip() for name, value in fields}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return RecordedRequest(method, target.partition("?")[0], headers, json.loads(body) if body else None)


@asynccontextmanager
async def fake_provider(
    default: Script | None = None, *, remember: int = 10_000
) -> AsyncIterator[FakeProvider]:
    """A provider on a free port of loopback, for as long as the block runs."""
    provider = FakeProvider(default, remember=remember)
    server = await provider.start()
    try:
        yield provider
    finally:
        server.close()
        await provider.stop_talking()


async def _serve_for_ever(port: int, delay_seconds: float) -> None:
    provider = FakeProvider(Reply(delay_seconds=delay_seconds), remember=0)
    server = await provider.start(port)
    print(f"A fake provider listens on {provider.base_url}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Parse the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(description="A model provider that echoes.")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="pause before each piece of an answer")
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve_for_ever(options.port, options.delay_ms / 1000))


if __name__ == "__main__":
    main()
