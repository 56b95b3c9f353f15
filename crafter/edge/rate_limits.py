"""The contract's limits per client: fixed windows, counted in the memory of one process.

Upstream also slows callers down before it refuses them. We do not: a request that waits holds its connection
and its place, so whoever sends too much would take from everybody else. Callers get a 429 at once instead.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from fastapi import Depends, Request

from crafter.core.errors import TooManyRequests
from crafter.edge.addresses import client_group, client_ip
from crafter.edge.middleware import on_response

MAX_CLIENTS = 50_000
"""Windows that one limiter keeps; beyond that the one that would end first is dropped."""


@dataclass(frozen=True, slots=True)
class Limiter:
    """``limit`` requests of a client in ``seconds``; ``failures_only``: answers below 400 do not count."""

    name: str
    limit: int
    seconds: int
    error: str
    advice: str
    failures_only: bool = False


AUTH = Limiter(
    name="auth",
    limit=5,
    seconds=900,
    error="Too many authentication attempts",
    advice="Authentication is limited to 5 attempts per 15 minutes. Please try again later.",
)
LOGIN = Limiter(
    name="login",
    limit=10,
    seconds=600,
    error="Too many login attempts",
    advice="Logins are limited to 10 failed attempts per 10 minutes. Please try again later.",
    failures_only=True,
)
API_KEY = Limiter(
    name="apiKey",
    limit=10,
    seconds=1,
    error="Too many API key operations",
    advice="API key operations are limited to 10 per second. Please slow down.",
)
PROXY = Limiter(
    name="proxy",
    limit=20,
    seconds=1,
    error="Too many LLM requests",
    advice="LLM requests are limited to 20 per second. Please slow down.",
)
GENERAL = Limiter(
    name="general",
    limit=10,
    seconds=1,
    error="Too many requests",
    advice="API requests are limited to 10 per second. Please slow down.",
)
PUBLIC = Limiter(
    name="public",
    limit=120,
    seconds=60,
    error="Rate limit exceeded",
    advice="Requests are limited to 120 per minute. Please slow down.",
)


@dataclass(slots=True)
class _Window:
    ends: float
    count: int = 0


@dataclass(slots=True)
class RateCounters:
    """The open windows of every limiter; one instance per application, at ``app.state.rate_counters``."""

    enabled: bool = True
    clock: Callable[[], float] = time.monotonic
    max_clients: int = MAX_CLIENTS
    _windows: dict[str, dict[str, _Window]] = field(default_factory=dict)

    def count(self, limiter: Limiter, client: str) -> _Window:
        """Count one request of a client, and give the window that it fell into."""
        now = self.clock()
        windows = self._windows.setdefault(limiter.name, {})
        window = windows.get(client)
        if window is None or window.ends <= now:
            self._make_room(windows, now)
            window = windows[client] = _Window(ends=now + limiter.seconds)
        window.count += 1
        return window

    def seconds_left(self, window: _Window) -> int:
        """Whole seconds until a window ends."""
        return max(1, ceil(window.ends - self.clock()))

    def __len__(self) -> int:
        return sum(len(windows) for windows in self._windows.values())

    def _make_room(self, windows: dict[str, _Window], now: float) -> None:
        """Drop what has ended. All windows of a limiter are equally long, so the first entry ends first."""
        while windows:
            client, oldest = next(iter(windows.items()))
            if oldest.ends > now and len(windows) < self.max_clients:
                return
            del windows[client]


def limited(limiter: Limiter) -> Any:
    """A dependency for ``dependencies=[…]``: refuses a client's requests beyond the limit with 429.

    Every answer of the route carries the ``RateLimit`` headers.
    """

    async def count(request: Request) -> None:
        counters: RateCounters = request.app.state.rate_counters
        if not counters.enabled:
            return
        window = counters.count(limiter, client_group(client_ip(request.scope)))
        used, reset = window.count, counters.seconds_left(window)

        def settle(status: int) -> Iterable[tuple[bytes, bytes]]:
            if limiter.failures_only and status < 400:
                window.count -= 1
            return _headers(limiter, used, reset)

        on_response(request.scope, settle)
        if used > limiter.limit:
            raise TooManyRequests(
                limiter.error,
                headers={"Retry-After": str(reset)},
                message=limiter.advice,
                retryAfter=limiter.seconds,
            )

    return Depends(count)


def _headers(limiter: Limiter, used: int, reset: int) -> Iterable[tuple[bytes, bytes]]:
    return (
        (b"ratelimit-policy", b"%d;w=%d" % (limiter.limit, limiter.seconds)),
        (b"ratelimit-limit", b"%d" % limiter.limit),
        (b"ratelimit-remaining", b"%d" % max(0, limiter.limit - used)),
        (b"ratelimit-reset", b"%d" % reset),
    )
