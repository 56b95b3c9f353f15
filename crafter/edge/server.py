"""The server: uvicorn with what it lacks towards slow and oversized callers."""

import asyncio
import functools
import sys
from collections.abc import Callable
from typing import Any

import httptools
from starlette.types import ASGIApp
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from crafter.core.config import Settings
from crafter.core.errors import PROBLEM_MEDIA_TYPE, BadInput, CrafterError
from crafter.core.ids import new_id
from crafter.core.tasks import GRACE_SECONDS
from crafter.edge.errors import HeadTooLarge
from crafter.edge.middleware import COMMON_HEADERS
from crafter.edge.responses import problem_bytes

HEAD_SECONDS = 5.0
"""How long a caller may take to send a request line and headers, or to finish a body that nobody reads."""

STOPPING = "crafter.stopping"
"""Key of the lifespan's state: what to call, once or more, when the server begins to stop and requests still run."""

BACKLOG = 2048
"""Connections that wait to be accepted."""

MAX_HEAD_BYTES = 32 * 1024
"""Request line and headers of one request."""

PARTING_SECONDS = 1.0
"""How long a closed connection still takes in what its caller sends, so that he can read our answer."""


class PatientTransport(asyncio.Transport):
    """A transport whose ``close`` does not cut off a caller who is still sending.

    Closing a socket with unread bytes resets the connection, and the answer that explains it may be lost. So
    while a request is incomplete, closing only ends our side; the rest is thrown away until the caller closes
    too, or the parting seconds are over.
    """

    def __init__(
        self, transport: asyncio.Transport, is_receiving: Callable[[], bool], parting_seconds: float
    ) -> None:
        super().__init__()
        self._transport = transport
        self._is_receiving = is_receiving
        self._parting_seconds = parting_seconds
        self.patient = True
        self.parting = False

    def close(self) -> None:
        if self.parting or not (self.patient and self._is_receiving()) or self._transport.is_closing():
            self._transport.close()
            return
        self.parting = True
        self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        asyncio.get_running_loop().call_later(self._parting_seconds, self._transport.abort)

    def is_closing(self) -> bool:
        return self.parting or self._transport.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.parting:
            self._transport.write(data)

    def abort(self) -> None:
        self._transport.abort()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)


class GuardedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with a deadline and a size for request heads.

    The deadline runs from the connection, or from the first byte after an answer, to the end of the headers.
    It also ends connections whose caller goes on sending a body that nobody waits for. An idle connection
    between two requests is uvicorn's business (``timeout_keep_alive``).
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        head_seconds: float = HEAD_SECONDS,
        max_head_bytes: int = MAX_HEAD_BYTES,
        parting_seconds: float = PARTING_SECONDS,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_seconds = head_seconds
        self._max_head_bytes = max_head_bytes
        self._parting_seconds = parting_seconds
        self._deadline: asyncio.TimerHandle | None = None
        self._in_head = False
        self._in_message = False
        self._head_bytes = 0
        self._refuse_with: type[CrafterError] = BadInput

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._patient = PatientTransport(transport, lambda: self._in_message, self._parting_seconds)
        super().connection_made(self._patient)
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        continues_head = self._in_head
        super().data_received(data)
        if self._in_head and continues_head:
            self._head_bytes += len(data)
            if self._head_bytes > self._max_head_bytes:
                self._refuse_with = HeadTooLarge
                self.send_400_response("")
        if not self._is_serving():
            self._start_deadline()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = self._in_message = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_deadline()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self._max_head_bytes:
            self._refuse_with = HeadTooLarge
            raise httptools.HttpParserError("head too large")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_message = False
        super().on_message_complete()

    def shutdown(self) -> None:
        """The server stops: whoever is still sending is not waited for, and the application is told."""
        self._patient.patient = False
        if stopping := self.app_state.get(STOPPING):
            stopping()
        super().shutdown()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the message is uvicorn's; ours is a problem
        """Refuse what is not a request, unless an answer is already on its way."""
        if not self._has_answered():
            self.transport.write(_refusal(self._refuse_with()))
        self.transport.close()

    def _is_serving(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _has_answered(self) -> bool:
        return self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete

    def _start_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._head_seconds, self.transport.abort)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def server_config(
    app: ASGIApp | str,
    settings: Settings,
    *,
    factory: bool = False,
    backlog: int = BACKLOG,
    head_seconds: float = HEAD_SECONDS,
    max_head_bytes: int = MAX_HEAD_BYTES,
    parting_seconds: float = PARTING_SECONDS,
) -> Config:
    """How uvicorn runs ``app``, or its import string (a ``factory``, if it has to be called first).

    Logging is left alone: configure it first.
    """
    protocol = functools.partial(
        GuardedProtocol,
        head_seconds=head_seconds,
        max_head_bytes=max_head_bytes,
        parting_seconds=parting_seconds,
    )
    return Config(
        app,
        factory=factory,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="asyncio" if sys.platform == "win32" else "uvloop",
        http=protocol,  # type: ignore[arg-type]  # called like a class
        ws="none",
        lifespan="on",
        log_config=None,
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=backlog,
        # What the application interrupts when the time is over still has to reach its callers.
        timeout_graceful_shutdown=settings.drain_seconds + GRACE_SECONDS,
        # Without it what one request binds to its log lines can leak into the next on the same connection.
        reset_contextvars=True,
    )


def _refusal(error: CrafterError) -> bytes:
    """A whole answer to something that never became a request."""
    request_id = new_id()
    body = problem_bytes(error, {"state": {"request_id": request_id}, "path": "/"})
    headers = [
        *COMMON_HEADERS,
        (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
        (b"connection", b"close"),
    ]
    status_line = STATUS_LINE.get(error.status) or b"HTTP/1.1 %d \r\n" % error.status
    return status_line + b"".join(b"%s: %s\r\n" % header for header in headers) + b"\r\n" + body
