"""The way out: how a call ends, whatever the other side does."""

import asyncio
import gzip
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from crafter.core.egress import (
    EgressClient,
    EgressFailed,
    EgressPolicy,
    EgressTimedOut,
    EgressTooLarge,
    Resolver,
    open_client,
)
from tests.fakes.listener import Handler, answering, certificate_for, dripping, listening, silent

CAP = 1024 * 1024


def client(*allowed: tuple[str, int], **options: Any) -> EgressClient:
    options = {"deadline_seconds": 5.0, "max_bytes": CAP} | options
    return open_client(EgressPolicy(frozenset(allowed)), **options)


def resolving(*addresses: str) -> Resolver:
    """A resolver that knows only this answer."""

    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


async def test_a_redirect_is_an_error_and_is_not_followed() -> None:
    async with listening() as target:
        redirect = answering(b"", f"Location: http://127.0.0.1:{target.port}/", status="302 Found")
        async with (
            listening(redirect) as listener,
            client(("127.0.0.1", listener.port), ("127.0.0.1", target.port)) as http,
        ):
            with pytest.raises(EgressFailed, match="redirect") as failed:
                await http.get(f"http://127.0.0.1:{listener.port}/", follow_redirects=True)

        assert target.accepted == 0
        assert failed.value.details == {"upstream_status": 302}


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as proxy, listening() as listener:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with client(("127.0.0.1", listener.port)) as http:
            await http.get(f"http://127.0.0.1:{listener.port}/")

        assert (proxy.accepted, listener.accepted) == (0, 1)


async def test_cookies_are_not_kept() -> None:
    async with (
        listening(answering(b"", "Set-Cookie: session=secret; Path=/")) as listener,
        client(("localhost", listener.port)) as http,
    ):
        await http.get(f"http://localhost:{listener.port}/")
        await http.get(f"http://localhost:{listener.port}/")

    assert len(listener.heads) == 2
    assert "secret" not in listener.heads[1]


async def test_connections_are_used_again() -> None:
    async with listening() as listener, client(("127.0.0.1", listener.port)) as http:
        for _ in range(3):
            await http.get(f"http://127.0.0.1:{listener.port}/")

        assert listener.accepted == 1


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(silent, id="silence"),
        pytest.param(dripping(b"x", 0.05), id="a byte at a time"),
        pytest.param(dripping(b"X: y\r\n", 0.05, head=b"HTTP/1.1 200 OK\r\n"), id="a header at a time"),
        pytest.param(dripping(b"HTTP/1.1 103 Wait\r\n\r\n", 0.05, head=b""), id="endless hints"),
    ],
)
async def test_a_call_is_over_at_its_deadline(handler: Handler) -> None:
    async with listening(handler) as listener:
        started = time.monotonic()
        async with client(("127.0.0.1", listener.port), deadline_seconds=0.3) as http:
            with pytest.raises(EgressTimedOut):
                await http.get(f"http://127.0.0.1:{listener.port}/", timeout=30)

        assert 0.25 < time.monotonic() - started < 1.5


async def test_a_resolver_that_hangs_is_left_at_the_deadline() -> None:
    async def hang(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    async with client(resolve=hang, deadline_seconds=0.1) as http:
        with pytest.raises(EgressTimedOut):
            await http.get("https://tool.example/")


async def test_sending_counts_against_the_deadline() -> None:
    async def never_reading(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.wait_closed()

    async with (
        listening(never_reading) as listener,
        client(("127.0.0.1", listener.port), deadline_seconds=0.3) as http,
    ):
        with pytest.raises(EgressTimedOut):
            await http.post(f"http://127.0.0.1:{listener.port}/", content=bytes(50_000_000))


async def test_a_stream_is_over_at_its_deadline_even_when_its_reader_is_slow() -> None:
    async with (
        listening(dripping(b"x" * 1000, 0.01)) as listener,
        client(("127.0.0.1", listener.port), deadline_seconds=0.3) as http,
        http.stream("GET", f"http://127.0.0.1:{listener.port}/") as response,
    ):
        pieces = response.aiter_bytes()
        first = await anext(pieces)
        await asyncio.sleep(0.4)
        with pytest.raises(EgressTimedOut):
            await anext(pieces)

    assert first


async def test_an_endless_body_is_cut_at_the_cap() -> None:
    async with (
        listening(dripping(b"x" * 65536, 0)) as listener,
        client(("127.0.0.1", listener.port)) as http,
    ):
        with pytest.raises(EgressTooLarge):
            await http.get(f"http://127.0.0.1:{listener.port}/")


async def test_a_body_of_just_the_cap_is_read() -> None:
    async with listening(answering(bytes(CAP))) as listener, client(("127.0.0.1", listener.port)) as http:
        response = await http.get(f"http://127.0.0.1:{listener.port}/")

    assert len(response.content) == CAP


@pytest.mark.parametrize("layers", [1, 2])
async def test_a_compressed_bomb_is_cut_at_the_cap_of_decoded_bytes(layers: int) -> None:
    bomb = bytes(100_000_000)
    for _ in range(layers):
        bomb = gzip.compress(bomb)
    encoding = "Content-Encoding: " + ", ".join(["gzip"] * layers)

    async with listening(answering(bomb, encoding)) as listener, client(("127.0.0.1", listener.port)) as http:
        tracemalloc.start()
        try:
            with pytest.raises(EgressTooLarge):
                await http.get(f"http://127.0.0.1:{listener.port}/")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert peak < 10_000_000
    assert "accept-encoding: identity" in listener.heads[0].lower()


async def test_a_reply_that_is_compressed_all_the_same_is_decoded() -> None:
    body = gzip.compress(b'{"ok": true}')
    async with (
        listening(answering(body, "Content-Encoding: gzip")) as listener,
        client(("127.0.0.1", listener.port)) as http,
    ):
        response = await http.get(f"http://127.0.0.1:{listener.port}/")

    assert response.json() == {"ok": True}
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(answering(b"?", "Content-Encoding: br"), id="an encoding nobody asked for"),
        pytest.param(answering(b"not gzip", "Content-Encoding: gzip"), id="damaged gzip"),
        pytest.param(answering(b"?", "Content-Encoding: " + ", ".join(["gzip"] * 9)), id="nine encodings"),
        pytest.param(answering(b"", status="999999 What"), id="no HTTP status"),
        pytest.param(answering(b"", "X: " + "y" * 300_000), id="a head without measure"),
    ],
)
async def test_improper_replies_are_failures(answer: Handler) -> None:
    async with listening(answer) as listener, client(("127.0.0.1", listener.port)) as http:
        with pytest.raises(EgressFailed):
            await http.get(f"http://127.0.0.1:{listener.port}/")


@pytest.mark.parametrize(
    "sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", b"SSH-2.0-x\r\n"]
)
async def test_a_server_that_breaks_off_is_a_failure(sent: bytes) -> None:
    async def break_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        writer.close()

    async with listening(break_off) as listener, client(("127.0.0.1", listener.port)) as http:
        with pytest.raises(EgressFailed):
            await http.get(f"http://127.0.0.1:{listener.port}/")


async def test_a_closed_port_is_a_failure_that_names_the_endpoint_only() -> None:
    async with listening() as listener:
        closed = listener.port

    async with client(("tool.example", closed), resolve=resolving("127.0.0.1")) as http:
        with pytest.raises(EgressFailed) as failed:
            await http.get(f"http://tool.example:{closed}/")

    assert failed.value.message == f"tool.example:{closed} could not be reached."


async def test_a_call_that_is_cancelled_lets_go_of_its_connection() -> None:
    async with listening(silent) as listener, client(("127.0.0.1", listener.port)) as http:
        call = asyncio.create_task(http.get(f"http://127.0.0.1:{listener.port}/"))
        await listener.asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        async with asyncio.timeout(5):
            await listener.idle.wait()


async def test_the_name_is_kept_for_tls_and_for_the_host_header(tmp_path: Path) -> None:
    server, trusting = certificate_for("provider.example", tmp_path)
    names: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: names.append(name)

    async with listening(tls=server) as listener:
        endpoint = ("provider.example", listener.port)
        async with client(endpoint, resolve=resolving("127.0.0.1"), tls=trusting) as http:
            response = await http.get(
                f"https://provider.example:{listener.port}/", extensions={"sni_hostname": "other.example"}
            )

    assert response.text == "hello"
    assert names == ["provider.example"]
    assert f"host: provider.example:{listener.port}" in listener.heads[0].lower()


async def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    server, trusting = certificate_for("other.example", tmp_path)

    async with listening(tls=server) as listener:
        endpoint = ("provider.example", listener.port)
        async with client(endpoint, resolve=resolving("127.0.0.1"), tls=trusting) as http:
            with pytest.raises(EgressFailed):
                await http.get(f"https://provider.example:{listener.port}/")

    assert listener.heads == []


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    server, _ = certificate_for("provider.example", tmp_path)

    async with (
        listening(tls=server) as listener,
        client(("provider.example", listener.port), resolve=resolving("127.0.0.1")) as http,
    ):
        with pytest.raises(EgressFailed):
            await http.get(f"https://provider.example:{listener.port}/")

    assert listener.heads == []
