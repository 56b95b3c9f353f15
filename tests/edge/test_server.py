"""What only a real socket can show: deadlines, sizes, broken requests, answers that survive a close."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from crafter.core.config import load_settings
from crafter.core.tasks import GRACE_SECONDS
from crafter.edge import body as bodies
from crafter.edge.server import server_config
from tests.edge.app import make_app
from tests.edge.conftest import serving

ITEM = b'{"name": "helper"}'
POST = b"POST /api/v1/items HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def hasty() -> Iterator[int]:
    """The application behind a server whose deadlines are a fraction of a second."""
    with serving(make_app(), head_seconds=0.4, parting_seconds=0.2) as port:
        yield port


class Connection:
    """A caller who decides about every byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        content = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return int(head[0].split()[1]), headers, content

    async def until(self, end: bytes) -> bytes:
        return await self._reader.readuntil(end)

    async def rest(self, within: float = 3) -> bytes:
        """What comes until the server ends the connection in an orderly way."""
        async with asyncio.timeout(within):
            return await self._reader.read()

    async def gone(self, within: float) -> None:
        """Wait until the server has ended the connection, in whatever way. Raises TimeoutError."""
        with suppress(ConnectionError):
            assert await self.rest(within) == b""

    async def drip(self, data: bytes, pause: float) -> None:
        """Send a byte at a time until the server has had enough."""
        with suppress(OSError):
            for byte in data:
                await self.send(bytes([byte]))
                await asyncio.sleep(pause)

    async def close(self) -> None:
        self._writer.close()


@pytest.fixture
async def caller(port: int) -> Any:
    connection = await Connection.open(port)
    yield connection
    await connection.close()


@pytest.fixture
async def hasty_caller(hasty: int) -> Any:
    connection = await Connection.open(hasty)
    yield connection
    await connection.close()


async def test_an_ordinary_request_is_answered_and_the_connection_kept(caller: Connection) -> None:
    for _ in range(2):
        await caller.send(POST + b"Content-Length: %d\r\n\r\n" % len(ITEM) + ITEM)
        status, headers, content = await caller.answer()

        assert status == 200
        assert json.loads(content)["name"] == "helper"
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


async def test_a_chunked_body_is_read(caller: Connection) -> None:
    await caller.send(POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(ITEM), ITEM))

    assert (await caller.answer())[0] == 200


BROKEN: list[tuple[str, bytes]] = [
    (
        "both ways to say how long the body is",
        POST + b"Content-Length: 18\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n" + ITEM + b"\r\n0\r\n\r\n",
    ),
    ("two different lengths", POST + b"Content-Length: 18\r\nContent-Length: 1\r\n\r\n" + ITEM),
    ("a length that is no number", POST + b"Content-Length: 0x12\r\n\r\n" + ITEM),
    ("a negative length", POST + b"Content-Length: -1\r\n\r\n"),
    ("a length of 40 digits", POST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n"),
    ("a chunk size that is no number", POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    ("a NUL in a header", b"GET /health HTTP/1.1\r\nHost: t\r\nX-A: a\x00b\r\n\r\n"),
    ("a space before a colon", b"GET /health HTTP/1.1\r\nHost : t\r\n\r\n"),
    ("a bare line feed in a header", b"GET /health HTTP/1.1\r\nHost: t\r\nX-A: a\nX-B\r\n\r\n"),
    ("a raw byte in the path", b"GET /\xff HTTP/1.1\r\nHost: t\r\n\r\n"),
    ("no HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00"),
    ("an unknown method", b"FROB /health HTTP/1.1\r\nHost: t\r\n\r\n"),
]


@pytest.mark.parametrize(("what", "request_bytes"), BROKEN, ids=[row[0] for row in BROKEN])
async def test_what_is_no_request_is_refused_with_our_error_body(
    caller: Connection, what: str, request_bytes: bytes
) -> None:
    await caller.send(request_bytes)

    status, headers, content = await caller.answer()

    assert status == 400
    assert headers["content-type"] == "application/problem+json"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["connection"] == "close"
    assert json.loads(content)["code"] == "BAD_REQUEST"
    assert json.loads(content)["request_id"] == headers["x-request-id"]
    assert await caller.rest() == b""


async def test_garbage_behind_a_request_does_not_get_into_its_answer(
    hasty_caller: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await hasty_caller.send(b"GET /endless HTTP/1.1\r\nHost: t\r\n\r\n")
    begun = await hasty_caller.until(b"4\r\nmore\r\n")
    await hasty_caller.send(b"\x16\x03\x01 garbage\r\n\r\n")

    rest = await hasty_caller.rest()

    assert begun.startswith(b"HTTP/1.1 200 ")
    assert rest.replace(b"4\r\nmore\r\n", b"") == b""
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("host", [b"x/ping#@y", b"localhost/#@x", b"", b"t:99999", b"[::1", b"a b", b"\xff"])
async def test_an_odd_host_changes_nothing(caller: Connection, host: bytes) -> None:
    await caller.send(b"GET /api/v1/items/Known HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")

    status, _, content = await caller.answer()

    assert status == 200
    assert json.loads(content) == {"id": "Known"}


@pytest.mark.parametrize(
    "target",
    [
        b"/api/v1/items/%0d%0aX-Evil:%20x",
        b"/api/v1/items/%00",
        b"/api/v1/items/%ff",
        b"/api/v1/items/%ed%a0%80",
    ],
)
async def test_encoded_control_characters_in_the_path_reach_no_header(
    caller: Connection, target: bytes
) -> None:
    await caller.send(b"GET " + target + b" HTTP/1.1\r\nHost: t\r\n\r\n")

    status, headers, content = await caller.answer()

    assert status == 404
    assert "x-evil" not in headers
    assert json.loads(content)["instance"] == target.decode()


async def test_head_sends_no_body_and_keeps_the_connection_usable(caller: Connection) -> None:
    await caller.send(b"HEAD /stream HTTP/1.1\r\nHost: t\r\n\r\n")
    head = await caller.until(b"\r\n\r\n")
    await caller.send(b"GET /health HTTP/1.1\r\nHost: t\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200")
    assert (await caller.answer())[2] == b'{"status":"ok"}'


async def test_an_announced_body_that_is_too_large_is_refused_before_it_is_read(caller: Connection) -> None:
    await caller.send(POST + b"Content-Length: 300000000\r\n\r\n")

    status, headers, content = await caller.answer()

    assert status == 413
    assert headers["connection"] == "close"
    assert json.loads(content)["max_bytes"] == bodies.DEFAULT_LIMIT
    assert await caller.rest() == b""


async def test_a_refusal_reaches_a_caller_who_sends_everything_before_reading() -> None:
    with serving(make_app(), parting_seconds=10) as port:
        caller = await Connection.open(port)
        await caller.send(POST + b"Content-Length: 300000000\r\n\r\n" + b"x" * 30_000_000)

        answer = await caller.rest()
        await caller.close()

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"}")


async def test_a_caller_who_asks_first_is_not_told_to_send_too_much(caller: Connection) -> None:
    await caller.send(POST + b"Expect: 100-continue\r\nContent-Length: 300000000\r\n\r\n")

    assert (await caller.answer())[0] == 413


async def test_an_upload_without_a_length_is_stopped_at_the_limit_and_told_so(port: int) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(300):
            yield b"x" * 1_000_000

    with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
        started = time.perf_counter()
        response = await asyncio.to_thread(
            client.post, "/api/v1/items", content=endless(), headers={"Content-Type": "application/json"}
        )

    assert response.status_code == 413
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("first", [0, 9000], ids=["in one piece", "in two"])
async def test_headers_beyond_the_limit_are_refused(caller: Connection, first: int) -> None:
    many = b"".join(b"X-%d: %s\r\n" % (n, b"y" * 50) for n in range(600))
    head = b"GET /health HTTP/1.1\r\nHost: t\r\n" + many + b"\r\n"
    await caller.send(head[:first])
    await caller.send(head[first:])

    status, _, content = await caller.answer()

    assert status == 431
    assert json.loads(content)["code"] == "REQUEST_HEADER_FIELDS_TOO_LARGE"


async def test_headers_within_the_limit_are_taken(caller: Connection) -> None:
    many = b"".join(b"X-%d: %s\r\n" % (n, b"y" * 50) for n in range(450))

    await caller.send(b"GET /health HTTP/1.1\r\nHost: t\r\n" + many + b"\r\n")

    assert (await caller.answer())[0] == 200


async def test_one_endless_header_is_refused_while_it_comes(port: int) -> None:
    connection = await Connection.open(port)
    await connection.send(b"GET /health HTTP/1.1\r\nX-Long: ")

    async def pour() -> None:
        with suppress(OSError):
            while True:
                await connection.send(b"y" * 8192)
                await asyncio.sleep(0)

    pouring = asyncio.create_task(pour())
    status, _, _ = await connection.answer()
    await connection.close()
    await pouring

    assert status == 431


async def test_half_a_head_is_not_waited_for(hasty: int) -> None:
    started = time.perf_counter()
    callers = [await Connection.open(hasty) for _ in range(50)]
    for caller in callers:
        await caller.send(b"GET /health HTTP/1.1\r\nHost: t\r\nX-A:")

    await asyncio.gather(*(caller.gone(within=3) for caller in callers))

    assert 0.3 < time.perf_counter() - started < 2.5
    for caller in callers:
        await caller.close()


@pytest.mark.parametrize(
    "start", [b"", b"GET /health HT", b"\r\n"], ids=["silent", "half a line", "blank lines"]
)
async def test_a_connection_must_become_a_request_in_time(hasty_caller: Connection, start: bytes) -> None:
    await hasty_caller.send(start)

    await hasty_caller.gone(within=2)


async def test_dripping_does_not_extend_the_deadline_of_a_head(hasty_caller: Connection) -> None:
    dripping = asyncio.create_task(hasty_caller.drip(b"GET /health HTTP/1.1\r\nX-A: " + b"y" * 1000, 0.05))

    await hasty_caller.gone(within=2)
    await dripping


@pytest.mark.parametrize("drops", [b"GET /health HTTP/1.1\r\nX-A: " + b"y" * 100, b"\r\n" * 100])
async def test_the_next_request_on_a_connection_has_the_same_deadline(
    hasty_caller: Connection, drops: bytes
) -> None:
    await hasty_caller.send(b"GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
    assert (await hasty_caller.answer())[0] == 200

    dripping = asyncio.create_task(hasty_caller.drip(drops, 0.05))

    await hasty_caller.gone(within=2)
    await dripping


async def test_an_idle_connection_outlives_the_deadline_of_a_head(hasty_caller: Connection) -> None:
    await hasty_caller.send(b"GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
    assert (await hasty_caller.answer())[0] == 200

    with pytest.raises(TimeoutError):
        await hasty_caller.rest(within=0.8)

    await hasty_caller.send(b"GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
    assert (await hasty_caller.answer())[0] == 200


async def test_a_body_that_nobody_reads_is_not_waited_for(hasty_caller: Connection) -> None:
    await hasty_caller.send(b"GET /health HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n")
    assert (await hasty_caller.answer())[0] == 200

    dripping = asyncio.create_task(hasty_caller.drip(b"x" * 1000, 0.05))

    await hasty_caller.gone(within=2)
    await dripping


async def test_a_body_that_nobody_reads_but_comes_in_time_leaves_the_connection_usable(
    hasty_caller: Connection,
) -> None:
    await hasty_caller.send(
        b"POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 300000\r\n\r\n" + b"x" * 1000
    )
    assert (await hasty_caller.answer())[0] == 404

    await hasty_caller.send(b"x" * 299_000 + b"GET /health HTTP/1.1\r\nHost: t\r\n\r\n")

    assert (await hasty_caller.answer())[0] == 200


async def test_pipelined_requests_are_answered_in_order(caller: Connection) -> None:
    await caller.send(
        b"GET /api/v1/items/Known HTTP/1.1\r\nHost: t\r\n\r\nGET /health HTTP/1.1\r\nHost: t\r\n\r\n"
    )

    assert (await caller.answer())[2] == b'{"id":"Known"}'
    assert (await caller.answer())[2] == b'{"status":"ok"}'


async def test_slow_bodies_are_told_so_and_closed_while_others_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "DEFAULT_SECONDS", 0.5)

    async def crawl(port: int) -> tuple[int, dict[str, str], bytes]:
        connection = await Connection.open(port)
        await connection.send(POST + b"Content-Length: 1000\r\n\r\n{")
        dripping = asyncio.create_task(connection.drip(b" " * 100, 0.2))
        answer = await connection.answer()
        await connection.gone(within=5)
        await dripping
        await connection.close()
        return answer

    with serving(make_app(), parting_seconds=0.2) as port:
        crawling = [asyncio.create_task(crawl(port)) for _ in range(300)]
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            started = time.perf_counter()
            health = await client.get("/health")
            waited = time.perf_counter() - started
        answers = await asyncio.gather(*crawling)

    assert health.status_code == 200
    assert waited < 2
    assert {status for status, _, _ in answers} == {408}
    assert {headers["connection"] for _, headers, _ in answers} == {"close"}
    assert {json.loads(content)["code"] for _, _, content in answers} == {"REQUEST_TIMEOUT"}


async def test_the_server_stops_with_half_open_requests_on_its_hands() -> None:
    with serving(make_app()) as port:
        callers = [await Connection.open(port) for _ in range(5)]
        for caller in callers:
            await caller.send(POST + b"Content-Length: 1000\r\n\r\n{")
        started = time.perf_counter()

    assert time.perf_counter() - started < 5
    for caller in callers:
        await caller.close()


async def test_an_upgrade_that_we_do_not_offer_is_an_ordinary_request(hasty_caller: Connection) -> None:
    upgrade = b"GET /health HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

    await hasty_caller.send(upgrade)

    assert (await hasty_caller.answer())[0] == 200


def test_the_server_is_configured_by_the_settings() -> None:
    settings = load_settings(
        {
            "PORT": "4000",
            "CRAFTER_HOST": "0.0.0.0",
            "CRAFTER_DRAIN_SECONDS": "7",
            "CRAFTER_LOG_LEVEL": "warning",
        }
    )

    config = server_config(FastAPI(), settings, backlog=100)

    assert (config.host, config.port, config.backlog) == ("0.0.0.0", 4000, 100)
    assert config.timeout_graceful_shutdown == 7 + GRACE_SECONDS
    assert config.loop == "uvloop"
    assert not config.access_log
    assert not config.proxy_headers
    assert not config.server_header
    assert config.reset_contextvars
