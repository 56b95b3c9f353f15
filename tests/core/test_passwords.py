"""Passwords: interchangeable with LLM Crafter's, and never in the way of the event loop."""

import asyncio
import threading
from typing import Any

import bcrypt
import pytest

from crafter.core import passwords
from crafter.core.passwords import hash_password, verify_against_nobody, verify_password

NODE_PASSWORD = "Blue$Ocean77Waves"
NODE_HASH = "$2a$12$XG/1mOO98JMk.WWT1uGyJOVA4Xx.dbETGTnqNyzZf9J/oZJikZoFq"


def cheap_hash(secret: bytes, ident: str = "2a") -> str:
    """A hash as other programs store it, at the least cost, so that a test may make many."""
    stored = bcrypt.hashpw(secret[:72], bcrypt.gensalt(4, prefix=b"2a")).decode()
    return stored.replace("$2a$", f"${ident}$")


class Recorder:
    """Stands in for bcrypt: says no, and keeps the stored hashes that it was asked about."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def verify(self, secret: bytes, stored: str) -> bool:
        self.asked.append(stored)
        return False


class Gate:
    """Stands in for bcrypt: each check waits for a permit, and is counted while it waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.both_running = asyncio.Event()
        self.threads: set[int] = set()
        self.peak = 0
        self._loop = loop
        self._running = 0
        self._lock = threading.Lock()
        self._permits = threading.Semaphore(0)

    def open(self, times: int) -> None:
        self._permits.release(times)

    def verify(self, secret: bytes, stored: str) -> bool:
        with self._lock:
            self._running += 1
            self.peak = max(self.peak, self._running)
            self.threads.add(threading.get_ident())
            if self._running == 2:
                self._loop.call_soon_threadsafe(self.both_running.set)
        self._permits.acquire()
        with self._lock:
            self._running -= 1
        return True


async def test_a_password_hashed_by_llm_crafter_verifies() -> None:
    assert await verify_password(NODE_PASSWORD, NODE_HASH)


async def test_a_new_hash_is_one_that_llm_crafter_reads() -> None:
    stored = await hash_password(NODE_PASSWORD)

    assert stored.startswith("$2a$12$")
    assert len(stored) == 60
    assert bcrypt.checkpw(NODE_PASSWORD.encode(), stored.encode())


@pytest.mark.parametrize("ident", ["2a", "2b", "2y"])
async def test_hashes_of_every_known_kind_verify(ident: str) -> None:
    stored = cheap_hash(b"Blue$Ocean77Waves", ident)

    assert await verify_password("Blue$Ocean77Waves", stored)
    assert not await verify_password("Blue$Ocean77Wavez", stored)


async def test_old_passwords_above_72_bytes_verify_on_their_first_72() -> None:
    accepted_by_node = "Blue$Ocean77Waves-" + "é" * 82
    stored = cheap_hash(accepted_by_node.encode())

    assert await verify_password(accepted_by_node, stored)
    assert await verify_password(accepted_by_node + "!", stored)
    assert not await verify_password("x" + accepted_by_node[1:], stored)


@pytest.mark.parametrize(
    "password", ["Aa1!" + "x" * 69, "Aa1!" + "é" * 35, "Aa1!\x00xxxxxxx", "Aa1!\ud800xxxxxxx"]
)
async def test_what_bcrypt_would_not_take_whole_is_never_hashed(password: str) -> None:
    with pytest.raises(ValueError):
        await hash_password(password)


@pytest.mark.parametrize("password", ["", "\x00", "Blue$Ocean77Waves\x00", "\ud800", "x" * 100_000])
async def test_whatever_is_sent_as_a_password_gets_an_answer(password: str) -> None:
    assert not await verify_password(password, cheap_hash(b"Blue$Ocean77Waves"))


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param("", id="empty"),
        pytest.param("Blue$Ocean77Waves", id="plaintext"),
        pytest.param(NODE_HASH[:-1], id="cut off"),
        pytest.param(NODE_HASH + "q", id="too long"),
        pytest.param(NODE_HASH + "\n", id="with a line end"),
        pytest.param(NODE_HASH[:-1] + "r", id="with bits that no bcrypt sets"),
        pytest.param(NODE_HASH.replace("2a", "2x"), id="the broken kind"),
        pytest.param(NODE_HASH.replace("12", "31"), id="hours of work"),
        pytest.param(NODE_HASH.replace("12", "3"), id="one digit of cost"),
        pytest.param(NODE_HASH.replace(".", "é"), id="not ASCII"),
        pytest.param("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA", id="another algorithm"),
    ],
)
async def test_a_malformed_hash_fits_no_password_and_takes_as_long_as_any(
    monkeypatch: pytest.MonkeyPatch, stored: str
) -> None:
    recorder = Recorder()
    monkeypatch.setattr(passwords, "_HASHER", recorder)

    assert not await verify_password(NODE_PASSWORD, stored)
    assert recorder.asked == ["$2a$12$" + "." * 53]


async def test_an_unknown_account_costs_one_whole_check() -> None:
    hasher, recorder = passwords._HASHER, Recorder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", recorder)
        await verify_against_nobody(NODE_PASSWORD)

    (asked,) = recorder.asked
    assert asked[:7] == "$2a$12$"
    assert not hasher.verify(NODE_PASSWORD, asked)


async def test_twenty_checks_leave_the_event_loop_free_and_run_two_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Gate(asyncio.get_running_loop())
    monkeypatch.setattr(passwords, "_HASHER", gate)
    checks: list[asyncio.Task[bool]] = [
        asyncio.create_task(verify_password(NODE_PASSWORD, NODE_HASH)) for _ in range(20)
    ]

    await gate.both_running.wait()
    ticks = 0
    for _ in range(1000):
        await asyncio.sleep(0)
        ticks += 1
    assert ticks == 1000
    assert not any(check.done() for check in checks)

    gate.open(20)
    assert all(await asyncio.gather(*checks))
    assert gate.peak == 2
    assert threading.get_ident() not in gate.threads


async def test_a_check_whose_caller_left_in_the_queue_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, asked = Gate(asyncio.get_running_loop()), Recorder()
    monkeypatch.setattr(passwords, "_HASHER", gate)
    running: list[asyncio.Task[Any]] = [
        asyncio.create_task(verify_password(NODE_PASSWORD, NODE_HASH)) for _ in range(2)
    ]
    await gate.both_running.wait()
    monkeypatch.setattr(passwords, "_HASHER", asked)
    queued = asyncio.create_task(verify_password(NODE_PASSWORD, NODE_HASH))
    await asyncio.sleep(0)

    queued.cancel()
    await asyncio.wait([queued])
    gate.open(2)
    await asyncio.gather(*running)
    await verify_password(NODE_PASSWORD, NODE_HASH)

    assert len(asked.asked) == 1
