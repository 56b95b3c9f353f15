"""The layers around every route, as plain ASGI: request id and log line, headers, last resort for errors."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from typing import TypeAlias

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from crafter.core.errors import Unavailable
from crafter.core.ids import new_id
from crafter.edge.addresses import PROXIES, Networks
from crafter.edge.errors import CLIENT_LEFT, unexpected
from crafter.edge.metrics import count_request
from crafter.edge.responses import JSON_MEDIA_TYPE, problem_response

log = structlog.get_logger("crafter.access")

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]
ResponseHook: TypeAlias = Callable[[int], Iterable[tuple[bytes, bytes]]]
"""Takes the status of an answer that is about to begin, gives headers for it."""

ALLOWED_METHODS = b"GET,HEAD,PUT,PATCH,POST,DELETE"

_CONTENT_SECURITY_POLICY = (
    b"default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';"
    b"frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';"
    b"script-src-attr 'none';style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests"
)

SECURITY_HEADERS: RawHeaders = [
    (b"content-security-policy", _CONTENT_SECURITY_POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"origin-agent-cluster", b"?1"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-dns-prefetch-control", b"off"),
    (b"x-download-options", b"noopen"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"x-permitted-cross-domain-policies", b"none"),
    (b"x-xss-protection", b"0"),
]
"""The defaults of Helmet 8, except that other sites may embed the widget."""

COMMON_HEADERS: RawHeaders = [(b"access-control-allow-origin", b"*"), *SECURITY_HEADERS]
"""What every answer carries, unless its route says otherwise."""

_COMMON_NAMES = frozenset(name for name, _ in COMMON_HEADERS)
_HOOKS = "crafter.response_hooks"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HEADER_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,2048}")
_UNSENDABLE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_PLAIN_JSON = (b"content-type", b"application/json")
_FULL_JSON = (b"content-type", JSON_MEDIA_TYPE.encode())


def on_response(scope: Scope, hook: ResponseHook) -> None:
    """Call ``hook`` once the status of the answer is known; its headers replace those of earlier hooks."""
    scope.setdefault(_HOOKS, []).append(hook)


class RequestContext:
    """Names each request, binds the name to the log, and writes one line when the request is over."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        proxies: Networks = (),
        unlogged: frozenset[str] = frozenset({"/health"}),
    ) -> None:
        self._app = app
        self._proxies = proxies
        self._unlogged = unlogged

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        scope[PROXIES] = self._proxies
        status = CLIENT_LEFT
        started = time.perf_counter()

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
                message = {**message, "headers": headers}
            await send(message)

        tokens = bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, send_named)
        finally:
            self._log(scope, status, time.perf_counter() - started)
            reset_contextvars(**tokens)

    def _log(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        template = getattr(route, "path_format", None)
        count_request(scope["method"], template, status, seconds)
        if template not in self._unlogged:
            log.info(
                "request", method=scope["method"], route=template, status=status, ms=round(seconds * 1000, 1)
            )


class ResponseHeaders:
    """CORS, the security headers, and the headers that were promised along the way; answers preflights.

    ``HEAD`` gets the head of what ``GET`` would send.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await send({"type": "http.response.start", "status": 204, "headers": _preflight(scope)})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._app(scope, receive, _with_headers(scope, send))


class LastResort:
    """Turns what nobody else caught into a 500 that says nothing but its request id.

    A request that the stopping server no longer waits for is answered 503.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            await send(message)
            started = True

        try:
            await self._app(scope, receive, send_noted)
        except Exception as error:  # the task of the request ends here
            problem = unexpected(error)
            if started:
                # Half an answer is out: only a broken connection tells the caller that it is not all.
                raise
            await problem_response(problem, scope)(scope, receive, send)
        except asyncio.CancelledError:
            if started:
                raise
            await problem_response(Unavailable(), scope)(scope, receive, send)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return new_id()


def _preflight(scope: Scope) -> RawHeaders:
    headers = [
        *COMMON_HEADERS,
        (b"access-control-allow-methods", ALLOWED_METHODS),
        (b"vary", b"Access-Control-Request-Headers"),
        (b"content-length", b"0"),
    ]
    for name, value in scope["headers"]:
        if name == b"access-control-request-headers" and _HEADER_NAMES.fullmatch(value):
            headers.append((b"access-control-allow-headers", value))
    return headers


def _with_headers(scope: Scope, send: Send) -> Send:
    headless = scope["method"] == "HEAD"

    async def send_complete(message: Message) -> None:
        if message["type"] != "http.response.start":
            if not headless:
                await send(message)
            return
        await send({**message, "headers": _complete(scope, message)})
        if headless:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_complete


def _complete(scope: Scope, message: Message) -> RawHeaders:
    """The headers of an answer with ours. Raises ValueError for one that would break the head."""
    headers: RawHeaders = []
    present: set[bytes] = set()
    for header in message.get("headers", ()):
        name, value = header
        if _UNSENDABLE.search(value):
            raise ValueError(f"the header {name!r} holds a control character")
        present.add(name)
        headers.append(_FULL_JSON if header == _PLAIN_JSON else header)
    promised: dict[bytes, bytes] = {}
    for hook in scope.get(_HOOKS, ()):
        promised.update(hook(message["status"]))
    headers.extend(promised.items())
    if present.isdisjoint(_COMMON_NAMES):
        headers.extend(COMMON_HEADERS)
    else:
        headers.extend(header for header in COMMON_HEADERS if header[0] not in present)
    return headers
