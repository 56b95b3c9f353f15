"""One outgoing call: its deadline, its cap, and the names of our errors for whatever goes wrong in it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpcore2
import httpx2

from crafter.core.egress.connections import GuardedBackend, Resolver
from crafter.core.egress.errors import EgressFailed, EgressTimedOut, EgressTooLarge
from crafter.core.egress.policy import EgressPolicy, endpoint_of, spelled

_IDLE_CONNECTIONS = 100
_IDLE_SECONDS = 30.0

_BROKEN = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpx2.DecodingError,
    OSError,  # a TLS failure after the handshake comes as ssl.SSLError
    anyio.EndOfStream,
)


class _Call:
    """Where a call goes, and the moment (of the loop's clock) at which it must be over."""

    def __init__(self, where: str, deadline_seconds: float) -> None:
        self.where = where
        self._ends_at = asyncio.get_running_loop().time() + deadline_seconds

    @asynccontextmanager
    async def step(self) -> AsyncIterator[None]:
        """Run one wait within what is left of the time. Raises EgressTimedOut and EgressFailed."""
        try:
            async with asyncio.timeout_at(self._ends_at):
                yield
        except (TimeoutError, httpcore2.TimeoutException):
            raise EgressTimedOut(f"{self.where} did not answer completely in time.") from None
        except httpcore2.ConnectError:
            raise EgressFailed(f"{self.where} could not be reached.") from None
        except _BROKEN:
            raise EgressFailed(f"{self.where} broke off, or did not speak proper HTTP.") from None


class _Received(httpx2.AsyncByteStream):
    """The bytes of a reply as they came."""

    def __init__(self, reply: httpcore2.Response) -> None:
        self._reply = reply

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._reply.aiter_stream()

    async def aclose(self) -> None:
        await self._reply.aclose()


class _Body(httpx2.AsyncByteStream):
    """The body of a reply, decoded piece by piece (1 MiB at most), within the deadline and the cap.

    Iterating again reads on where the last reader stopped: the OpenAI SDK drains what follows its last event
    that way, and only a drained connection is used again.
    """

    def __init__(self, received: httpx2.Response, call: _Call, max_bytes: int) -> None:
        self._received = received
        self._pieces = received.aiter_bytes()
        self._call = call
        self._max_bytes = max_bytes
        self._bytes = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        async with self._call.step():
            piece = await anext(self._pieces, None)
        if piece is None:
            raise StopAsyncIteration
        self._bytes += len(piece)
        if self._bytes > self._max_bytes:
            raise EgressTooLarge(f"{self._call.where} answered with more than {self._max_bytes} bytes.")
        return piece

    async def aclose(self) -> None:
        await self._pieces.aclose()
        await self._received.aclose()


class EgressTransport(httpx2.AsyncBaseTransport):
    """Sends requests over checked connections and bounds their replies."""

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        deadline_seconds: float,
        max_bytes: int,
        resolve: Resolver,
        tls: ssl.SSLContext,
    ) -> None:
        self._deadline_seconds = deadline_seconds
        self._max_bytes = max_bytes
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=None,  # how much runs at once is decided before a call, not by queueing here
            max_keepalive_connections=_IDLE_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=GuardedBackend(policy, resolve),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises EgressRefused, EgressFailed, EgressTimedOut; reading the body also EgressTooLarge."""
        call = _Call(spelled(endpoint_of(request.url)), self._deadline_seconds)
        request.headers["Accept-Encoding"] = "identity"
        async with call.step():
            reply = await self._pool.handle_async_request(_outgoing(request))
        received = httpx2.Response(reply.status, headers=reply.headers, stream=_Received(reply))
        if complaint := _complaint(received):
            await received.aclose()
            raise EgressFailed(f"{call.where} {complaint}", upstream_status=reply.status)
        return httpx2.Response(
            reply.status,
            headers=_decoded_headers(received.headers),
            stream=_Body(received, call, self._max_bytes),
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


def _outgoing(request: httpx2.Request) -> httpcore2.Request:
    """The request for the pool, without the caller's extensions: no other timeouts, no other name for TLS."""
    url = request.url
    return httpcore2.Request(
        method=request.method,
        url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
    )


def _complaint(received: httpx2.Response) -> str | None:
    """What is wrong with the head of a reply, or None."""
    if 300 <= received.status_code < 400:
        return "answered with a redirect, which is not followed."
    codings = received.headers.get("content-encoding", "identity").lower()
    if {coding.strip() for coding in codings.split(",")} - {"identity", "gzip", "deflate", ""}:
        return "answered in an encoding that was not asked for."
    return None


def _decoded_headers(headers: httpx2.Headers) -> httpx2.Headers:
    """The headers of a reply whose body we have decoded."""
    if "content-encoding" in headers:
        headers = headers.copy()
        for name in ("content-encoding", "content-length"):
            headers.pop(name, None)
    return headers
