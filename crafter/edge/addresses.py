"""Who is at the other end: the client's address, as far as proxies of ours can vouch for it."""

import ipaddress
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

from starlette.types import Scope

from crafter.core.config import ConfigurationError

Address: TypeAlias = IPv4Address | IPv6Address
Networks: TypeAlias = Sequence[IPv4Network | IPv6Network]

UNKNOWN = "unknown"
"""The address of a peer that has none, such as one on a Unix socket."""

PROXIES = "crafter.trusted_proxies"
"""Where the middleware leaves the trusted networks in the scope."""

_IPV6_PREFIX = 64


def parse_networks(entries: Iterable[str]) -> Networks:
    """Addresses and networks in CIDR notation. Raises ConfigurationError with each entry that is neither."""
    networks: list[IPv4Network | IPv6Network] = []
    problems: list[str] = []
    for entry in entries:
        try:
            networks.append(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            problems.append(f"CRAFTER_TRUSTED_PROXIES: {entry!r} is neither an address nor a network")
    if problems:
        raise ConfigurationError(problems)
    return tuple(networks)


def client_ip(scope: Scope) -> str:
    """The caller's address.

    ``X-Forwarded-For`` counts only when the peer is a trusted proxy; then it is the right-most entry that is
    not one itself. An entry that is not an address ends the search: a stranger wrote what is left of it.
    """
    peer = scope.get("client")
    current = _parse(peer[0]) if peer else None
    if current is None:
        return UNKNOWN
    networks: Networks = scope.get(PROXIES, ())
    for entry in reversed(_forwarded(scope) if networks else []):
        if not _is_trusted(current, networks):
            break
        sender = _parse(entry)
        if sender is None:
            break
        current = sender
    return str(current)


def client_group(address: str) -> str:
    """What one caller cannot choose freely: an IPv4 address, or the /64 network of an IPv6 address."""
    parsed = _parse(address)
    if not isinstance(parsed, IPv6Address):
        return address
    return str(IPv6Network((parsed, _IPV6_PREFIX), strict=False))


def _forwarded(scope: Scope) -> list[str]:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return ",".join(values).split(",") if values else []


def _is_trusted(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)


def _parse(text: str) -> Address | None:
    """An address, perhaps with a port; IPv4 hidden in IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
