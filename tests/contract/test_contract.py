"""Every entry of the table, played against the application: the good request first, then those that are refused."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest

from tests.contract.conftest import Theatre
from tests.contract.entries import Entry, Refusal, Section
from tests.contract.scenes import Scene
from tests.contract.shapes import TIME, Shape, mismatches
from tests.contract.table.whole import SECTIONS

CASES = [(section, entry) for section in SECTIONS for entry in section.entries]
CANARIES = re.compile(
    r"canary-(access|refresh|secret|search|endpoint|provider-key)|sk-live|\$2[aby]\$\d\d|key_hash|token_hash"
    r"|crafter:1:A256GCM|U2FsdGVkX1"
)
"""Secrets that the table and the world put in, hashes of passwords and keys, and ciphertexts."""
STREAMED = (200, "text/event-stream")


@pytest.mark.parametrize(
    ("section", "entry"), [pytest.param(section, entry, id=str(entry)) for section, entry in CASES]
)
async def test_an_endpoint_answers_as_the_contract_says(
    theatre: Theatre, section: Section, entry: Entry
) -> None:
    scene = await theatre.scene(section, entry.who)
    scene.ids.update(scene.filled(entry.ids))
    for step in entry.before:
        await scene.take(step)
    await scene.arrange(entry.given)
    if not entry.unplayed:
        headers = {**await scene.caller(), **scene.filled(entry.headers)} if entry.status != 302 else {}
        response = await scene.send(
            entry.method, entry.path, headers=headers, body=entry.body, query=entry.query
        )
        check_answer(entry, response)
    for refusal in entry.refusals:
        await check_refusal(scene, entry, refusal)


def check_answer(entry: Entry, response: httpx2.Response) -> None:
    assert response.status_code == entry.status, response.text
    check_headers(response)
    if entry.status == 302:
        assert {name: response.headers[name] for name in entry.headers} == entry.headers
    elif entry.frames is not None:
        check_shape(entry, entry.frames, last_frame(response))
    else:
        kind = "application/json; charset=utf-8" if entry.status < 400 else "application/problem+json"
        assert response.headers["content-type"] == kind
        check_shape(entry, entry.answer, response.json())
    check_secrets(response)


def check_shape(entry: Entry, shape: Shape, body: Any) -> None:
    wrong = [
        f"{where or 'the answer'} {what}" + why(entry, where)
        for where, what in [*mismatches(shape, body), *times(body)]
    ]
    assert not wrong, "\n".join([*wrong, json.dumps(body)])


def why(entry: Entry, where: str) -> str:
    """Who needs what is wrong."""
    reasons = [reason for place, reason in entry.needs.items() if where.startswith(place)]
    if reasons:
        return f"; {reasons[0]}"
    return f"; the {entry.by} calls this" if entry.by else ""


def times(body: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Timestamps that are not as they should be, wherever they stand."""
    if isinstance(body, dict):
        for name, value in body.items():
            place = f"{where}.{name}" if where else name
            if name.endswith(("_at", "edAt")) and value is not None and not TIME.fits(value):
                yield place, f"is {value!r}, not {TIME.name}"
            yield from times(value, place)
    elif isinstance(body, list):
        for number, value in enumerate(body):
            yield from times(value, f"{where}[{number}]")


def check_headers(response: httpx2.Response) -> None:
    """What section 1.2 wants on each answer."""
    expected = {
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "origin-agent-cluster": "?1",
        "x-content-type-options": "nosniff",
        "x-frame-options": "SAMEORIGIN",
        "strict-transport-security": "max-age=31536000; includeSubDomains",
    }
    assert {name: response.headers.get(name) for name in expected} == expected
    assert "content-security-policy" in response.headers
    assert "cross-origin-embedder-policy" not in response.headers


def check_secrets(response: httpx2.Response) -> None:
    """Nothing that has to stay with us may be in an answer."""
    assert CANARIES.search(response.text) is None, response.text


def last_frame(response: httpx2.Response) -> Any:
    """The last frame of a stream, once its framing is what section 6 says."""
    assert (response.status_code, response.headers["content-type"].partition(";")[0]) == STREAMED
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-accel-buffering"] == "no"
    assert "content-length" not in response.headers
    parts = response.text.split("\n\n")
    assert parts.pop() == ""
    assert all(part.startswith("data: ") and "\n" not in part and "\r" not in part for part in parts)
    assert max(map(len, parts)) < 16_384
    first, *chunks, last = [json.loads(part.removeprefix("data: ")) for part in parts]
    assert first == {"type": "connected", "message": "Stream established"}
    assert all(chunk.keys() == {"type", "content"} for chunk in chunks)
    assert all((chunk["type"], type(chunk["content"])) == ("response_chunk", str) for chunk in chunks)
    return last


async def check_refusal(scene: Scene, entry: Entry, refusal: Refusal) -> None:
    kept = dict(scene.ids)
    for step in refusal.before:
        await scene.take(step)
    scene.ids.update(scene.filled(refusal.ids))
    caller = await (scene.headers_of(refusal.who) if refusal.who else scene.caller())
    response = await scene.send(
        entry.method,
        refusal.path or entry.path,
        headers=caller,
        body=entry.body if refusal.body is ... else refusal.body,
        query=entry.query if refusal.query is None else refusal.query,
    )
    scene.ids = kept
    what = f"{refusal}: {response.text}"
    assert response.status_code == refusal.status, what
    check_headers(response)
    check_secrets(response)
    body = response.json()
    assert body["message"] == (refusal.message or body["error"]), what
    if refusal.error is not None:
        assert body["error"] == refusal.error, what
    if refusal.code is not None:
        assert body["code"] == refusal.code, what
    if refusal.at is not None:
        check_validation(body, refusal)
    assert not list(mismatches(refusal.more, body)), what


def check_validation(body: Mapping[str, Any], refusal: Refusal) -> None:
    """What section 1.4 says of fields that are refused."""
    shape = {"errors": [{"type": "field", "msg": str, "path": str, "location": str}]}
    assert not list(mismatches(shape, body)), body
    named = [(error["path"], error["location"]) for error in body["errors"]]
    assert (refusal.at, refusal.location) in named, body
    assert body["errors"][0]["msg"] in body["error"], body


async def test_limits_of_lists_are_kept_within_bounds(theatre: Theatre) -> None:
    paged = [entry for _, entry in CASES if "limit" in entry.query and not entry.who.startswith("key")]
    assert len(paged) >= 4
    scene = await theatre.scene(SECTIONS[0], "admin")
    headers = await scene.headers_of("admin")
    for entry in paged:
        for limit, least, most in (("0", 1, 100), ("1000", 1, 100), ("abc", 1, 100)):
            query = {"limit": limit}
            response = await scene.send("GET", entry.path, headers=headers, query=query)
            body = response.json()
            kept = body.get("pagination", body).get("limit")
            refused = response.status_code == 400 and body["errors"][0]["location"] == "query"
            assert refused or least <= kept <= most, f"{entry}?limit={limit}: {response.text}"
