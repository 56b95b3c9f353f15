"""Searching the web with Brave and Tavily: what they are asked, with whose key, and what is made of their answers."""

import dataclasses
import json
from typing import Any

import pytest

from tests.fakes.listener import listening, silent
from tests.fakes.service import FakeService, Said
from tests.tool_runtime.support import Bench

KEY = "canary-search-key-0123456789"
BRAVE = {"provider": "brave", "encrypted_api_key": KEY}
TAVILY = {"provider": "tavily", "encrypted_api_key": KEY}
BOTH = pytest.mark.parametrize("stored", [BRAVE, TAVILY], ids=["brave", "tavily"])


@pytest.fixture
def engine(service: FakeService) -> FakeService:
    """Both engines, on loopback."""
    results = [
        {"title": f"T&amp;{n}\n", "url": f"https://x.io/{n}", "description": f"D&#x27;{n}"} for n in range(9)
    ]
    service.instead["/res/v1/web/search"] = Said({"type": "search", "web": {"results": results}})
    tavily = [{"title": f"T{n}", "url": f"https://x.io/{n}", "content": f"a &lt; {n}"} for n in range(9)]
    service.instead["/search"] = Said({"query": "q", "results": tavily, "response_time": "0.1"})
    return service


@pytest.fixture
def bench(bench: Bench, service: FakeService) -> Bench:
    return at(bench, service.url)


def at(bench: Bench, url: str) -> Bench:
    """The bench of a deployment whose engines are elsewhere."""
    settings = bench.runtime.settings.model_copy(update={"brave_url": url, "tavily_url": url})
    return dataclasses.replace(bench, runtime=dataclasses.replace(bench.runtime, settings=settings))


async def test_brave_is_asked_with_the_agents_key(bench: Bench, engine: FakeService) -> None:
    answer = await bench.use("web_search", BRAVE, query=" what  is\nnew? ", max_results=2)

    asked = engine.asked
    assert (asked.method, asked.path) == ("GET", "/res/v1/web/search")
    assert dict(asked.query)["q"] == "what is new?"
    assert dict(asked.query)["count"] == "2"
    assert asked.headers["x-subscription-token"] == KEY
    assert answer.pop("search_time_ms") >= 0
    assert answer == {
        "query": "what is new?",
        "provider": "brave",
        "results": [
            {"title": "T&0", "url": "https://x.io/0", "snippet": "D'0"},
            {"title": "T&1", "url": "https://x.io/1", "snippet": "D'1"},
        ],
        "total_results": 2,
    }


async def test_tavily_is_asked_with_the_agents_key(bench: Bench, engine: FakeService) -> None:
    answer = await bench.use("web_search", {**TAVILY, "default_max_results": 3}, query="q")

    asked = engine.asked
    assert (asked.method, asked.path, asked.headers["authorization"]) == ("POST", "/search", f"Bearer {KEY}")
    assert (asked.json["query"], asked.json["max_results"]) == ("q", 3)
    assert (answer["provider"], answer["total_results"]) == ("tavily", 3)
    assert answer["results"][0] == {"title": "T0", "url": "https://x.io/0", "snippet": "a &lt; 0"}


@pytest.mark.parametrize(
    ("stored", "arguments"),
    [
        ({}, {}),
        ({"provider": "tavily"}, {}),
        ({"provider": "brave", "encrypted_api_key": ""}, {}),
        ({"provider": "brave", "encrypted_api_key": "ü\n"}, {}),
        (BRAVE, {"provider": "tavily"}),
        (TAVILY, {"provider": "brave"}),
    ],
    ids=["nothing set", "no key", "empty key", "no header", "key of brave", "key of tavily"],
)
async def test_without_a_key_of_the_engine_it_says_where_to_configure_one(
    bench: Bench, engine: FakeService, stored: dict[str, Any], arguments: dict[str, Any]
) -> None:
    sentence = await bench.refused("web_search", stored, query="q", **arguments)

    assert "This agent has no key for" in sentence
    assert "web-search-config" in sentence
    assert engine.requests == []


@BOTH
@pytest.mark.parametrize("query", [" ", "\0", "a" * 401])
async def test_a_query_is_bounded(
    bench: Bench, engine: FakeService, stored: dict[str, Any], query: str
) -> None:
    assert "1 to 400 characters" in await bench.refused("web_search", stored, query=query)
    assert engine.requests == []


@BOTH
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (Said({"error": KEY}, 401), "refuses the key"),
        (Said({"error": KEY}, 403), "refuses the key"),
        (Said({"error": KEY}, 429), "no more requests"),
        (Said({"error": KEY}, 432), "no more requests"),
        (Said({"error": KEY}, 500), "answered with the status 500"),
        (Said(status=302, headers={"Location": "http://169.254.169.254/"}), "cannot be reached"),
        (Said("<html>"), "did not answer properly"),
        (Said("[" * 100_000), "did not answer properly"),
        (Said("[]"), "did not answer properly"),
        (Said("x" * 2_000_001), "cannot be reached"),
    ],
)
async def test_a_failure_is_a_sentence_without_the_key_and_the_address(
    bench: Bench, service: FakeService, stored: dict[str, Any], said: Said, reason: str
) -> None:
    service.said = said

    sentence = await bench.refused("web_search", stored, query="q")

    assert reason in sentence
    assert KEY not in sentence
    assert "127.0.0.1" not in sentence


@BOTH
async def test_an_engine_that_does_not_answer_is_given_up(
    bench: Bench, stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crafter.tool_runtime.web_services.DEADLINE_SECONDS", 0.1)
    async with listening(silent) as engine:
        bench.runtime.settings.egress_allow.append(f"127.0.0.1:{engine.port}")
        slow = at(bench, f"http://127.0.0.1:{engine.port}")

        assert "in time" in await slow.refused("web_search", stored, query="q")


@BOTH
@pytest.mark.parametrize(
    "results",
    [
        None,
        {},
        [None, 7, "x"],
        [{"title": 7, "url": ["x"]}],
        [{"title": "t", "url": "javascript:alert(1)"}, {"url": "https://x.io/" + "a" * 1_000}],
    ],
)
async def test_what_is_no_result_is_left_out(
    bench: Bench, engine: FakeService, stored: dict[str, Any], results: Any
) -> None:
    engine.instead.update(
        {"/res/v1/web/search": Said({"web": {"results": results}}), "/search": Said({"results": results})}
    )

    assert (await bench.use("web_search", stored, query="q"))["results"] == []


async def test_an_answer_without_a_web_part_has_no_results(bench: Bench, engine: FakeService) -> None:
    for web in (None, [], "x"):
        engine.instead["/res/v1/web/search"] = Said({"web": web})
        assert (await bench.use("web_search", BRAVE, query="q"))["total_results"] == 0


@BOTH
async def test_results_are_cut_and_counted(bench: Bench, engine: FakeService, stored: dict[str, Any]) -> None:
    long = {
        "title": "t" * 9_000,
        "url": "https://x.io/",
        "content": "c\ud800" + "c" * 9_000,
        "description": "d" * 9_000,
    }
    engine.instead.update(
        {
            "/res/v1/web/search": Said({"web": {"results": [long] * 30}}),
            "/search": Said({"results": [long] * 30}),
        }
    )

    answer = await bench.use("web_search", stored, query="q", max_results=20)

    assert answer["total_results"] == len(answer["results"]) == 19
    assert len(json.dumps(answer)) < 24_000


async def test_settings_that_make_no_sense_are_those_by_default(bench: Bench, engine: FakeService) -> None:
    stored = {"provider": "altavista", "default_max_results": "many", "encrypted_api_key": KEY}

    answer = await bench.use("web_search", stored, query="q")

    assert (answer["provider"], answer["total_results"]) == ("brave", 5)
