"""How often a client may ask."""

from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from crafter.edge.rate_limits import API_KEY, AUTH, GENERAL, LOGIN, PROXY, PUBLIC, Limiter, RateCounters
from tests.edge.app import make_app
from tests.edge.conftest import connect


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(app: FastAPI) -> Clock:
    clock = Clock()
    app.state.rate_counters = RateCounters(clock=clock)
    return clock


@pytest.mark.parametrize(
    ("limiter", "limit", "seconds", "error"),
    [
        (AUTH, 5, 900, "Too many authentication attempts"),
        (LOGIN, 10, 600, "Too many login attempts"),
        (API_KEY, 10, 1, "Too many API key operations"),
        (PROXY, 20, 1, "Too many LLM requests"),
        (GENERAL, 10, 1, "Too many requests"),
        (PUBLIC, 120, 60, "Rate limit exceeded"),
    ],
)
def test_the_limiters_are_those_of_the_contract(
    limiter: Limiter, limit: int, seconds: int, error: str
) -> None:
    assert (limiter.limit, limiter.seconds, limiter.error) == (limit, seconds, error)


async def test_every_limited_answer_says_what_is_left(client: httpx2.AsyncClient, clock: Clock) -> None:
    first = await client.get("/limited/general")
    clock.now += 0.4
    second = await client.get("/limited/general")

    assert first.headers["ratelimit-policy"] == "10;w=1"
    assert first.headers["ratelimit-limit"] == "10"
    assert first.headers["ratelimit-remaining"] == "9"
    assert first.headers["ratelimit-reset"] == "1"
    assert second.headers["ratelimit-remaining"] == "8"
    assert "retry-after" not in second.headers


async def test_one_request_too_many_is_refused_in_the_contracts_words(
    client: httpx2.AsyncClient, clock: Clock
) -> None:
    for _ in range(10):
        assert (await client.get("/limited/general")).status_code == 200

    refused = await client.get("/limited/general")

    assert refused.status_code == 429
    body = refused.json()
    assert body["error"] == "Too many requests"
    assert body["message"] == "API requests are limited to 10 per second. Please slow down."
    assert body["retryAfter"] == 1
    assert body["code"] == "RATE_LIMITED"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit-remaining"] == "0"


async def test_the_window_is_fixed_and_ends(client: httpx2.AsyncClient, clock: Clock) -> None:
    for _ in range(5):
        await client.post("/limited/auth")
    clock.now += 899
    refused = await client.post("/limited/auth")
    clock.now += 1

    allowed = await client.post("/limited/auth")

    assert refused.status_code == 429
    assert refused.headers["ratelimit-reset"] == refused.headers["retry-after"] == "1"
    assert refused.json()["retryAfter"] == 900
    assert allowed.status_code == 200
    assert allowed.headers["ratelimit-remaining"] == "4"


async def test_only_failed_logins_count(client: httpx2.AsyncClient, clock: Clock) -> None:
    async def log_in(password: str) -> int:
        body = {"email": "a@b.c", "password": password}
        return (await client.post("/limited/login", json=body)).status_code

    for _ in range(20):
        assert await log_in("right") == 200
    for _ in range(10):
        assert await log_in("wrong") == 401

    assert await log_in("right") == 429


async def test_a_login_that_fails_validation_counts_as_failed(
    client: httpx2.AsyncClient, clock: Clock
) -> None:
    for _ in range(10):
        assert (await client.post("/limited/login", json={"email": {"$ne": None}})).status_code == 400

    assert (await client.post("/limited/login", json={})).status_code == 429


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
    ],
)
async def test_clients_are_told_apart_by_what_they_cannot_choose(
    app: FastAPI, clock: Clock, first: str, second: str, shared: bool
) -> None:
    async with connect(app, (first, 1)) as one, connect(app, (second, 2)) as other:
        await one.get("/limited/general")
        response = await other.get("/limited/general")

    assert response.headers["ratelimit-remaining"] == ("8" if shared else "9")


async def test_a_made_up_forwarded_address_is_no_fresh_start(
    client: httpx2.AsyncClient, clock: Clock
) -> None:
    for n in range(10):
        await client.get("/limited/general", headers={"X-Forwarded-For": f"203.0.113.{n}"})

    assert (await client.get("/limited/general")).status_code == 429


async def test_operators_can_switch_the_limiters_off() -> None:
    async with connect(make_app(CRAFTER_RATE_LIMITS="off")) as client:
        responses = [await client.get("/limited/general") for _ in range(30)]

    assert {response.status_code for response in responses} == {200}
    assert "ratelimit-limit" not in responses[0].headers


def test_windows_that_have_ended_take_no_memory() -> None:
    clock = Clock()
    counters = RateCounters(clock=clock)
    for n in range(1000):
        counters.count(GENERAL, f"client-{n}")
    clock.now += 1

    counters.count(GENERAL, "late")

    assert len(counters) == 1


def test_a_flood_of_addresses_takes_bounded_memory_and_keeps_the_newest() -> None:
    clock = Clock()
    counters = RateCounters(clock=clock, max_clients=100)
    for n in range(1000):
        counters.count(AUTH, f"client-{n}")

    again: Any = counters.count(AUTH, "client-999")

    assert len(counters) == 100
    assert again.count == 2
