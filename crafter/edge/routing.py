"""How a request finds its route, and what a route does before its endpoint: bounded reading, strict JSON."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Host, Match, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from crafter.core.errors import MethodNotAllowed
from crafter.edge.body import DEFAULT_LIMIT, BoundedRequest, deadline_for
from crafter.edge.errors import NestedQuery, RouteNotFound
from crafter.edge.route_index import RouteIndex, allowed, split_path

__all__ = ["MAX_PATH_LENGTH", "CrafterRoute", "RouteIndex", "install"]

MAX_PATH_LENGTH = 4096
"""Characters of a path; a longer one is nothing that we have."""


class CrafterRoute(APIRoute):
    """A route whose body is read by us: at most ``max_body_size`` bytes (1 MiB), in time, as strict JSON.

    Raises, before the endpoint: NestedQuery, TooLarge, RequestTimedOut, UnsupportedMediaType, InvalidJson.
    """

    def __init__(
        self, path: str, endpoint: Callable[..., Any], *, max_body_size: int | None = None, **options: Any
    ) -> None:
        # The framework's own limiter would answer in plain text, so it is never given the limit.
        super().__init__(path, endpoint, **options)
        self.max_body_size = max_body_size

    def present_problem(self, problem: dict[str, Any]) -> dict[str, Any]:
        """The body of a failure for the clients of this route, which may look for something else in it."""
        return problem

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        takes_json = self.body_field is not None

        async def handle_bounded(request: Request) -> Response:
            limit = DEFAULT_LIMIT if self.max_body_size is None else self.max_body_size
            if any("[" in name for name in request.query_params):
                raise NestedQuery
            bounded = BoundedRequest(request, limit=limit, seconds=deadline_for(limit))
            if takes_json:
                await bounded.load_json()
            return await handle(bounded)

        return handle_bounded


def install(app: FastAPI) -> RouteIndex:
    """Serve the routes of ``app`` by an index instead of one by one. Call it when all are registered.

    Websockets and the lifespan go the framework's way; so do mounted applications and paths with converters,
    but only where the index has nothing. Raises ValueError for routes that clash, TypeError for included
    routers.
    """
    indexed: list[Route] = []
    others: list[BaseRoute] = []
    for route in app.router.routes:
        if isinstance(route, Route) and RouteIndex.can_hold(route):
            indexed.append(route)
        elif isinstance(route, (Route, Mount, Host)):
            others.append(route)
        elif not isinstance(route, WebSocketRoute):
            raise TypeError(f"{route!r} must be registered flat: app.router.routes.extend(router.routes)")
    index = RouteIndex(indexed)
    app.router.middleware_stack = _Dispatcher(app.router.app, index, others)
    return index


class _Dispatcher:
    """The index in front of the framework's router."""

    def __init__(self, router: ASGIApp, index: RouteIndex, others: Sequence[BaseRoute]) -> None:
        self._router = router
        self._index = index
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        found = self._index.find_segments(scope["method"], _segments(scope))
        if found.route is None:
            await self._serve_other(found.methods, scope, receive, send)
            return
        scope["route"] = found.route
        scope["endpoint"] = found.route.endpoint
        scope["path_params"] = found.parameters
        await found.route.app(scope, receive, send)

    async def _serve_other(self, methods: set[str], scope: Scope, receive: Receive, send: Send) -> None:
        for route in self._others:
            match, matched = route.matches(scope)
            if match is Match.FULL:
                scope["route"] = route
                scope.update(matched)
                await route.handle(scope, receive, send)
                return
            if match is Match.PARTIAL:
                methods |= getattr(route, "methods", None) or set()
        if methods:
            raise MethodNotAllowed(headers={"Allow": allowed(methods)})
        raise RouteNotFound


def _segments(scope: Scope) -> list[str]:
    """The decoded segments of the path below the root path: a slash that was sent as ``%2F`` separates none.

    Raises RouteNotFound for a path that cannot be a key of anything stored.
    """
    path = _route_path(scope)
    sent: bytes = scope.get("raw_path") or b""
    if b"%2f" not in sent.lower():
        return split_path(path)
    raw = sent.decode("latin-1").removeprefix(scope.get("root_path", ""))
    segments = [unquote_to_bytes(segment).decode("utf-8", "replace") for segment in split_path(raw)]
    return segments if unquote(raw) == path else split_path(path)


def _route_path(scope: Scope) -> str:
    """The path below the root path. Raises RouteNotFound for one that cannot be a key of anything stored."""
    path: str = scope["path"]
    root_path: str = scope.get("root_path", "")
    if len(path) > MAX_PATH_LENGTH or "\0" in path or not _is_encodable(path):
        raise RouteNotFound
    return path.removeprefix(root_path)


def _is_encodable(path: str) -> bool:
    if path.isascii():
        return True
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
