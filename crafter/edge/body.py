"""How a request body is read: how much of it, for how long, and as what."""

import asyncio
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Message, Receive

from crafter.core.errors import RequestTimedOut, TooLarge, UnsupportedMediaType
from crafter.edge import strict_json

DEFAULT_LIMIT = 1024 * 1024
"""Bytes of a body, unless its route says otherwise."""

DEFAULT_SECONDS = 9.0
"""How long the default limit may take; with the server's parting second a slow caller is gone after ten."""

SLOWEST_BYTES_PER_SECOND = 256 * 1024
"""The pace at which bodies beyond the default limit must arrive."""

_CLOSE = {"Connection": "close"}
_LENGTH_DIGITS = 15


def deadline_for(limit: int) -> float:
    """How many seconds a body of at most ``limit`` bytes may take to arrive."""
    return DEFAULT_SECONDS + max(0, limit - DEFAULT_LIMIT) / SLOWEST_BYTES_PER_SECOND


class BoundedRequest(Request):
    """A request that can only be read within a limit, before a deadline, and whose JSON is strict.

    The limits hold for ``body()``, ``json()`` and ``stream()`` alike: reading raises TooLarge (at once, if
    the length was announced) or RequestTimedOut, and both end the connection.
    """

    def __init__(self, request: Request, *, limit: int, seconds: float) -> None:
        super().__init__(request.scope, _BoundedReceive(request, limit, seconds))
        self._json_headers: Headers | None = None

    @property
    def headers(self) -> Headers:
        """As sent; a request whose empty body counts as ``{}`` also gets the content type that fits."""
        return super().headers if self._json_headers is None else self._json_headers

    async def json(self) -> Any:
        """The value of the body. Raises InvalidJson."""
        if not hasattr(self, "_json"):
            self._json = strict_json.loads(await self.body())
        return self._json

    async def load_json(self) -> None:
        """Read the body, which must be JSON; an empty one is ``{}`` whatever its content type.

        Raises InvalidJson and UnsupportedMediaType beside the errors of reading.
        """
        if not await self.body():
            self._body = b"{}"
            self._json_headers = _with_json_type(self.headers)
        elif not _is_json_type(self.headers.get("content-type", "")):
            raise UnsupportedMediaType
        await self.json()


class _BoundedReceive:
    """The server's ``receive`` until the body is complete, counted and timed."""

    def __init__(self, request: Request, limit: int, seconds: float) -> None:
        self._request = request
        self._receive: Receive = request.receive
        self._limit = limit
        self._seconds = seconds
        self._deadline: float | None = None
        self._received = 0
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        if self._deadline is None:
            self._check_announced_length()
            self._deadline = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise RequestTimedOut(headers=_CLOSE) from None
        self._received += len(message.get("body", b""))
        if self._received > self._limit:
            raise self._too_large()
        self._complete = not message.get("more_body", False)
        return message

    def _check_announced_length(self) -> None:
        announced = self._request.headers.get("content-length", "")
        if announced.isdecimal() and (len(announced) > _LENGTH_DIGITS or int(announced) > self._limit):
            raise self._too_large()

    def _too_large(self) -> TooLarge:
        return TooLarge(headers=_CLOSE, max_bytes=self._limit)


def _is_json_type(content_type: str) -> bool:
    essence = content_type.partition(";")[0].strip().lower()
    kind, _, subtype = essence.partition("/")
    return kind == "application" and "/" not in subtype and (subtype == "json" or subtype.endswith("+json"))


def _with_json_type(headers: Headers) -> Headers:
    kept = [(name, value) for name, value in headers.raw if name != b"content-type"]
    return Headers(raw=[*kept, (b"content-type", b"application/json")])
