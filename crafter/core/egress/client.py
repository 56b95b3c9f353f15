"""The HTTP client that everything outgoing uses."""

import ssl
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore2
import httpx2

from crafter.core.egress.connections import Resolver, system_resolver
from crafter.core.egress.errors import EgressRefused
from crafter.core.egress.policy import EgressPolicy
from crafter.core.egress.transport import EgressTransport


class EgressClient(httpx2.AsyncClient):
    """An ``httpx2.AsyncClient`` whose every failure is one of our errors; made by ``open_client``."""

    def build_request(self, *args: Any, **kwargs: Any) -> httpx2.Request:
        """Raises EgressRefused for what is not a URL."""
        try:
            return super().build_request(*args, **kwargs)
        except httpx2.InvalidURL:
            raise EgressRefused("The address that is to be called is not a valid URL.") from None


def open_client(
    policy: EgressPolicy,
    *,
    deadline_seconds: float,
    max_bytes: int,
    resolve: Resolver = system_resolver,
    tls: ssl.SSLContext | None = None,
) -> EgressClient:
    """A client to be closed by its owner (``async with``); cheap, so there may be one for each call.

    ``deadline_seconds`` is for each whole call: connecting, sending, and reading the last byte, also of a
    stream; timeouts given with a request are ignored. ``max_bytes`` is for the decoded body of each reply.
    Calls raise EgressRefused, EgressFailed (a redirect is one), EgressTimedOut and EgressTooLarge.
    """
    transport = EgressTransport(
        policy,
        deadline_seconds=deadline_seconds,
        max_bytes=max_bytes,
        resolve=resolve,
        tls=tls or _system_tls(),
    )
    return EgressClient(
        transport=transport,
        timeout=None,
        trust_env=False,
        follow_redirects=False,
        # a client may serve several tenants: what a host sets for one must not be sent for another
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


@cache  # reading the certificates takes longer than a call
def _system_tls() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()
