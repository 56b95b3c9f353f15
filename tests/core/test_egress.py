"""The way out: what may be called. Connections are counted at a listener, not at the client."""

from collections.abc import AsyncIterator
from ipaddress import IPv6Address
from typing import Any

import httpcore2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crafter.core.config import ConfigurationError, load_settings
from crafter.core.egress import (
    EgressClient,
    EgressFailed,
    EgressPolicy,
    EgressRefused,
    Resolver,
    open_client,
)
from crafter.core.egress.addresses import is_public
from crafter.core.egress.policy import WEB_PORTS
from tests.fakes.listener import Listener, listening


def client(*allowed: tuple[str, int], **options: Any) -> EgressClient:
    options = {"deadline_seconds": 5.0, "max_bytes": 1024} | options
    return open_client(EgressPolicy(frozenset(allowed)), **options)


def resolving(*addresses: str) -> Resolver:
    """A resolver that knows only this answer."""

    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


@pytest.fixture
async def trap(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Listener]:
    """A listener that every TCP connection leads to, whatever the address; its port counts as a web port."""
    connect = httpcore2.AnyIOBackend.connect_tcp

    async def lead_here(self: Any, host: str, port: int, **options: Any) -> Any:
        return await connect(self, "127.0.0.1", port, **options)

    async with listening() as listener:
        monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", lead_here)
        monkeypatch.setitem(WEB_PORTS, "http", listener.port)
        yield listener


INTERNAL_ADDRESSES = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.170.2",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:a00:1]",
    "[::ffff:0:127.0.0.1]",
    "[::127.0.0.1]",
    "[::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:7f00:1::1]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1::7f00:1]",
    "[64:ff9b:1:a9fe:a9:fe00::]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fe80::1%lo]",
    "[2606:4700::1111%25lo]",
    "[fec0::1]",
    "[ff02::1]",
    "[100::1]",
    "[2001:db8::1]",
    "[2001:2::1]",
    "[3fff::1]",
    "[4000::1]",
    "[5f00::1]",
]

ODD_SPELLINGS = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127.1.",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7F.1",
    "017700000001",
    "0177.0.0.1",
    "0177.1",
    "0",
    "000000000177.0.0.01",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "\uff11\uff12\uff17.0.0.1",
    "\uff11\uff12\uff17\u3002\uff10\u3002\uff10\u3002\uff11",
    "\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3",
    "127.0.0.1%00.example.com",
    "127.0.0.1%2f@example.com",
    "%31%32%37.0.0.1",
    "user@127.0.0.1",
    "user:password@127.0.0.1",
    "example.com@127.0.0.1",
    "example.com:80@127.0.0.1",
    "[127.0.0.1]",
    "[::1%0]",
    "a..b",
    ".",
    "x" * 64 + ".example.com",
    "",
]


@pytest.mark.parametrize("address", INTERNAL_ADDRESSES)
async def test_no_internal_address_is_called(trap: Listener, address: str) -> None:
    async with client() as http:
        with pytest.raises(EgressRefused):
            await http.get(f"http://{address}:{trap.port}/")

    assert trap.accepted == 0


@pytest.mark.parametrize("address", INTERNAL_ADDRESSES)
async def test_no_name_leads_to_an_internal_address(trap: Listener, address: str) -> None:
    resolve = resolving("93.184.216.34", address.strip("[]").replace("%25", "%"))

    async with client(resolve=resolve) as http:
        with pytest.raises(EgressRefused) as refused:
            await http.get(f"http://tool.example:{trap.port}/")

    assert trap.accepted == 0
    assert address.strip("[]") not in refused.value.message


@pytest.mark.parametrize("spelling", ODD_SPELLINGS)
async def test_no_odd_spelling_is_a_way_around(trap: Listener, spelling: str) -> None:
    async with client() as http:
        with pytest.raises((EgressRefused, EgressFailed)):
            await http.get(f"http://{spelling}:{trap.port}/")

    assert trap.accepted == 0


@pytest.mark.parametrize("address", ["93.184.216.34", "[2606:4700::1111]", "[64:ff9b::5db8:d822]"])
async def test_public_addresses_are_called(trap: Listener, address: str) -> None:
    async with client() as http:
        response = await http.get(f"http://{address}:{trap.port}/")

    assert response.text == "hello"
    assert trap.accepted == 1


@given(st.ip_addresses())
def test_what_counts_as_public_is_global_and_no_multicast(address: Any) -> None:
    judged = (isinstance(address, IPv6Address) and address.ipv4_mapped) or address

    assert not is_public(address) or (judged.is_global and not judged.is_multicast)


async def test_a_name_that_is_rebound_after_the_check_is_not_followed(trap: Listener) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]

    async with client(resolve=rebinding) as http:
        await http.get(f"http://tool.example:{trap.port}/", headers={"Connection": "close"})
        with pytest.raises(EgressRefused):
            await http.get(f"http://tool.example:{trap.port}/")

    assert asked == ["tool.example", "tool.example"]
    assert trap.accepted == 1


async def test_the_checked_address_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[tuple[str, int]] = []

    async def remember(self: Any, host: str, port: int, **options: Any) -> Any:
        connected.append((host, port))
        raise httpcore2.ConnectError

    monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", remember)

    async with client(resolve=resolving("93.184.216.34", "2606:4700::1111")) as http:
        with pytest.raises(EgressFailed):
            await http.get("https://tool.example/")

    assert connected == [("93.184.216.34", 443), ("2606:4700::1111", 443)]


async def test_a_dead_address_leaves_the_call_to_the_next_one() -> None:
    async with listening() as listener:
        resolve = resolving("127.0.0.2", "127.0.0.1")
        async with client(("tool.example", listener.port), resolve=resolve) as http:
            response = await http.get(f"http://tool.example:{listener.port}/")

    assert response.text == "hello"


@pytest.mark.parametrize("port", [22, 3306, 8080, 27017])
async def test_only_web_ports_are_called(trap: Listener, port: int) -> None:
    async with client() as http:
        with pytest.raises(EgressRefused) as refused:
            await http.get(f"http://93.184.216.34:{port}/")

    assert f"93.184.216.34:{port}" in refused.value.message
    assert "CRAFTER_EGRESS_ALLOW" in refused.value.message
    assert (refused.value.status, refused.value.code) == (422, "EGRESS_REFUSED")


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "/x", ""]
)
async def test_only_http_and_https_are_called(url: str) -> None:
    async with client() as http:
        with pytest.raises(EgressRefused):
            await http.get(url)


@pytest.mark.parametrize("who", ["user@", "user:password@", ":@", "example.com%3A80@"])
async def test_no_credentials_are_taken_from_an_address(trap: Listener, who: str) -> None:
    async with client() as http:
        with pytest.raises(EgressRefused):
            await http.get(f"http://{who}93.184.216.34:{trap.port}/")

    assert trap.accepted == 0


async def test_a_name_that_does_not_exist_is_said_to_be_not_found() -> None:
    async def nothing(host: str, port: int) -> list[str]:
        raise OSError

    async with client(resolve=nothing) as http:
        with pytest.raises(EgressFailed, match=r"tool\.example:443 was not found"):
            await http.get("https://tool.example/")


@pytest.mark.parametrize("spelling", ["localhost", "LocalHost"])
async def test_an_allowed_endpoint_is_called(spelling: str) -> None:
    async with listening() as listener:
        settings = load_settings({"CRAFTER_EGRESS_ALLOW": f"localhost:{listener.port}, [::1]:9"})
        policy = EgressPolicy.parse(settings.egress_allow)
        async with open_client(policy, deadline_seconds=5, max_bytes=1024) as http:
            response = await http.get(f"http://{spelling}:{listener.port}/")

    assert response.text == "hello"


async def test_allowing_one_endpoint_allows_no_other() -> None:
    async with listening() as listener, client(("localhost", listener.port)) as http:
        for url in (f"http://127.0.0.1:{listener.port}/", f"http://localhost:{listener.port + 1}/"):
            with pytest.raises(EgressRefused):
                await http.get(url)

        assert listener.accepted == 0


def test_a_policy_knows_one_spelling_of_each_host() -> None:
    policy = EgressPolicy.parse(["OLLAMA.local.:11434", "[0:0::1]:80", "10.1.2.3:8080", "müller.example:443"])

    assert policy.allows("ollama.LOCAL", 11434)
    assert policy.allows("::1", 80)
    assert policy.allows("10.1.2.3", 8080)
    assert policy.allows("xn--mller-kva.example", 443)
    assert not policy.allows("ollama.local", 80)


@pytest.mark.parametrize(
    "entry", ["http://tool.example:80", "tool.example:http", "tool.example", "\uff11:80"]
)
def test_a_policy_that_makes_no_sense_is_a_mistake_of_the_operator(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="CRAFTER_EGRESS_ALLOW"):
        EgressPolicy.parse([entry])
