"""From a host name to a connection: resolve once, check every address, connect to a checked one."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address

import httpcore2

from crafter.core.egress.addresses import Address, is_public
from crafter.core.egress.errors import EgressFailed, EgressRefused
from crafter.core.egress.policy import WEB_PORTS, EgressPolicy, spelled

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""From a host and a port to its IP addresses, as text. Raises OSError or UnicodeError when there are none."""

_CONNECT_SECONDS = 5.0  # for one address, so that a dead one leaves time for the next

# A pool of its own: names whose servers hang must not hold the threads that hash passwords.
_LOOKUPS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="egress-lookup")


async def system_resolver(host: str, port: int) -> list[str]:
    """Ask the operating system. Raises OSError or UnicodeError."""
    lookup = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_LOOKUPS, lookup)
    return [str(address[0]) for *_, address in found]


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens TCP connections for the pool, to checked addresses only.

    The pool passes the host of the URL; it keeps that name for TLS, so a certificate is checked against the
    name although the connection is made to an address.
    """

    def __init__(self, policy: EgressPolicy, resolve: Resolver) -> None:
        self._policy = policy
        self._resolve = resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore2's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises EgressRefused, EgressFailed, and what httpcore2 raises when no address answers."""
        failure: Exception | None = None
        for address in await self._checked_addresses(host, port):
            try:
                return await self._network.connect_tcp(
                    str(address),
                    port,
                    timeout=_CONNECT_SECONDS if timeout is None else min(timeout, _CONNECT_SECONDS),
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as refused:
                failure = refused
        raise failure or httpcore2.ConnectError("The name has no address.")

    async def _checked_addresses(self, host: str, port: int) -> list[Address]:
        allowed = self._policy.allows(host, port)
        if not allowed and port not in WEB_PORTS.values():
            raise _refused(host, port)
        addresses = await self._addresses(host, port)
        if not allowed and not all(is_public(address) for address in addresses):
            raise _refused(host, port)
        return addresses

    async def _addresses(self, host: str, port: int) -> list[Address]:
        try:
            return [ip_address(host)]
        except ValueError:
            pass  # a name
        try:
            return [ip_address(found) for found in await self._resolve(host, port)]
        except (OSError, UnicodeError):
            raise EgressFailed(f"The host of {spelled((host, port))} was not found.") from None


def _refused(host: str, port: int) -> EgressRefused:
    return EgressRefused(
        f"{spelled((host, port))} cannot be called from here. "
        "If it should be, an operator can allow it with CRAFTER_EGRESS_ALLOW."
    )
