"""Where outgoing calls may go: the public web, and what an operator allowed besides."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

import httpx2

from crafter.core.config import ConfigurationError
from crafter.core.egress.errors import EgressRefused

Endpoint = tuple[str, int]

WEB_PORTS = {"http": 80, "https": 443}


def canonical_host(host: str) -> str:
    """One spelling for each host: lower case, IDNA, no brackets, no final dot. Raises ValueError."""
    try:
        name = httpx2.URL(scheme="http", host=host).raw_host.decode("ascii").rstrip(".")
    except httpx2.InvalidURL as invalid:
        raise ValueError(str(invalid)) from None
    try:
        return str(ip_address(name))
    except ValueError:
        return name


def _endpoint(entry: str) -> Endpoint:
    host, _, port = entry.rpartition(":")
    try:
        return canonical_host(host), int(port)
    except ValueError:
        raise ConfigurationError([f"CRAFTER_EGRESS_ALLOW: takes host:port pairs, not {entry!r}"]) from None


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """The endpoints (host, port) that may be called although they are not public, or on another port.

    A host is allowed as it is spelled in the URL: allowing ``localhost`` does not allow ``127.0.0.1``.
    """

    allow: frozenset[Endpoint] = frozenset()

    def __post_init__(self) -> None:
        canonical = frozenset((canonical_host(host), port) for host, port in self.allow)
        object.__setattr__(self, "allow", canonical)

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Self:
        """From ``host:port`` entries; the host is a name, an IPv4 or a bracketed IPv6 address.

        Raises ConfigurationError.
        """
        return cls(frozenset(_endpoint(entry) for entry in entries))

    def allows(self, host: str, port: int) -> bool:
        """Whether an operator allowed this endpoint, whatever its addresses are."""
        return (canonical_host(host), port) in self.allow


def endpoint_of(url: httpx2.URL) -> Endpoint:
    """The host and port that a URL leads to. Raises EgressRefused for URLs that we never call."""
    if url.scheme not in WEB_PORTS:
        raise EgressRefused("Only http and https addresses can be called.")
    if url.userinfo:
        raise EgressRefused("An address that is to be called must not contain a user name or a password.")
    if not url.host:
        raise EgressRefused("The address that is to be called names no host.")
    return url.raw_host.decode("ascii"), url.port or WEB_PORTS[url.scheme]


def spelled(endpoint: Endpoint) -> str:
    """``host:port`` for messages."""
    host, port = endpoint
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def origin_of(address: str) -> str:
    """``scheme://host:port`` of an address, spelled in one way. Raises EgressRefused for what is never called."""
    try:
        url = httpx2.URL(address)
        host, port = endpoint_of(url)
        return f"{url.scheme}://{spelled((canonical_host(host), port))}"
    except (httpx2.InvalidURL, ValueError):
        raise EgressRefused("The address that is to be called is not a valid URL.") from None
