"""Whose address a request has."""

from typing import Any

import pytest

from crafter.core.config import ConfigurationError
from crafter.edge.addresses import PROXIES, client_group, client_ip, parse_networks
from tests.edge.app import make_app
from tests.edge.conftest import connect


@pytest.mark.parametrize(
    ("peer", "trusted", "forwarded", "address"),
    [
        ("192.0.2.1", [], [], "192.0.2.1"),
        ("192.0.2.1", [], ["203.0.113.9"], "192.0.2.1"),
        ("192.0.2.1", ["10.0.0.0/8"], ["203.0.113.9"], "192.0.2.1"),
        ("10.0.0.1", ["10.0.0.0/8"], ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.0/8"], ["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.0/8"], ["203.0.113.9, 10.1.1.1,10.2.2.2"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.0/8"], ["6.6.6.6", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.1"], [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.0/8"], ["10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["10.0.0.0/8"], ["203.0.113.9, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.0/8"], ["' OR 1=1, 10.3.3.3"], "10.3.3.3"),
        ("10.0.0.1", ["10.0.0.0/8"], ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.0/8"], ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("::1", ["::1"], ["2001:DB8::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["10.0.0.0/8"], ["203.0.113.9"], "203.0.113.9"),
        ("::ffff:192.0.2.1", [], [], "192.0.2.1"),
    ],
)
def test_forwarded_addresses_count_only_as_far_as_trusted_proxies_vouch(
    peer: str, trusted: list[str], forwarded: list[str], address: str
) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope: dict[str, Any] = {"client": (peer, 1), "headers": headers, PROXIES: parse_networks(trusted)}

    assert client_ip(scope) == address


def test_a_peer_without_an_address_is_unknown() -> None:
    assert client_ip({"client": None, "headers": []}) == "unknown"


def test_a_proxy_that_is_neither_address_nor_network_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match=r"'proxy\.internal' is neither an address nor a network"):
        parse_networks(["10.0.0.1", "proxy.internal"])


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_callers_with_a_whole_ipv6_network_are_one_client(address: str, group: str) -> None:
    assert client_group(address) == group


async def test_routes_see_the_address_that_the_settings_allow() -> None:
    app = make_app(CRAFTER_TRUSTED_PROXIES="192.0.2.0/24")

    async with connect(app) as client:
        response = await client.get("/address", headers={"X-Forwarded-For": "203.0.113.9"})

    assert response.json() == {"address": "203.0.113.9"}
