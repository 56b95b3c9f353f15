"""What happens to a request body before its route sees it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from starlette.requests import Request

from crafter.edge.body import DEFAULT_LIMIT, BoundedRequest, deadline_for
from tests.edge.app import BIG_LIMIT

JSON = {"Content-Type": "application/json"}
ITEM = {"name": "helper"}

# A body for the typed route → status and code. The rest of what JSON can get wrong is in test_strict_json.
TYPED: list[tuple[str, bytes, int, str]] = [
    ("2^63 in a typed integer", b'{"name": "ab", "count": 9223372036854775808}', 400, "INVALID_JSON"),
    ("a lone surrogate in a typed string", rb'{"name": "\ud800\ud800"}', 400, "INVALID_JSON"),
    (
        "NaN in a typed float",
        b'{"name": "ab", "llm_settings": {"parameters": {"temperature": NaN}}}',
        400,
        "INVALID_JSON",
    ),
    ("an unknown field", b'{"name": "ab", "owner": "me"}', 400, "VALIDATION_FAILED"),
    ("an id of ours", b'{"name": "ab", "_id": ["x"]}', 400, "VALIDATION_FAILED"),
    ("an operator for a string", b'{"name": {"$ne": null}}', 400, "VALIDATION_FAILED"),
    ("a list for a string", b'{"name": ["ab"]}', 400, "VALIDATION_FAILED"),
    ("an array instead of an object", b"[1, 2]", 400, "VALIDATION_FAILED"),
    ("a number instead of an object", b"7", 400, "VALIDATION_FAILED"),
    ("null", b"null", 400, "VALIDATION_FAILED"),
    ("UTF-16", '{"name": "ab"}'.encode("utf-16"), 400, "INVALID_JSON"),
]

FREE: list[tuple[str, bytes, int]] = [
    ("harmless keys", b'{"config": {"a": {"b": [1.5, null, "x"]}}}', 200),
    ("a NUL in a value", rb'{"config": {"a": "\u0000"}}', 400),
    ("a NUL in a key", rb'{"config": {"\u0000": 1}}', 400),
    ("a lone surrogate in a value", rb'{"config": {"a": "\udc00"}}', 400),
    ("a lone surrogate in a key", rb'{"config": {"\udc00": 1}}', 400),
    ("NaN", b'{"config": {"a": NaN}}', 400),
    ("1e400", b'{"config": {"a": 1e400}}', 400),
    ("2^63", b'{"config": {"a": 9223372036854775808}}', 400),
    ("an operator as a key", b'{"config": {"a": [{"$where": "sleep(1000)"}]}}', 400),
    ("a path as a key", b'{"config": {"owner.role": "admin"}}', 400),
    ("an empty key", b'{"config": {"": 1}}', 400),
    ("32 levels", b'{"config":' + b'{"a":' * 31 + b"1" + b"}" * 32, 200),
    ("33 levels", b'{"config":' + b'{"a":' * 32 + b"1" + b"}" * 33, 400),
]


@pytest.mark.parametrize(("what", "body", "status", "code"), TYPED, ids=[row[0] for row in TYPED])
async def test_a_typed_route_refuses(
    client: httpx2.AsyncClient, what: str, body: bytes, status: int, code: str
) -> None:
    response = await client.post("/api/v1/items", content=body, headers=JSON)

    assert response.status_code == status
    assert response.json()["code"] == code


@pytest.mark.parametrize(("what", "body", "status"), FREE, ids=[row[0] for row in FREE])
async def test_a_free_form_object_is_stored_whole_or_refused(
    client: httpx2.AsyncClient, what: str, body: bytes, status: int
) -> None:
    response = await client.post("/api/v1/free", content=body, headers=JSON)

    assert response.status_code == status


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "text/plain", "application/x-www-form-urlencoded"]
)
async def test_an_empty_body_counts_as_an_empty_object(
    client: httpx2.AsyncClient, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}

    response = await client.post("/api/v1/items", headers=headers)

    assert response.status_code == 400
    assert response.json()["errors"][0]["path"] == "name"
    assert response.json()["errors"][0]["msg"] == "Invalid value: is required"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_json_content_type_without_a_body_is_normal(client: httpx2.AsyncClient, method: str) -> None:
    response = await client.request(method, "/api/v1/items/Known", headers=JSON)

    assert response.is_success


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/merge-patch+json",
        " application/json ;x=y",
    ],
)
async def test_json_by_any_of_its_names_is_read(client: httpx2.AsyncClient, content_type: str) -> None:
    response = await client.post(
        "/api/v1/items", content=json.dumps(ITEM), headers={"Content-Type": content_type}
    )

    assert response.status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "text/json",
        "application/x/y+json",
        "",
        "application/json, text/plain",
    ],
)
async def test_a_body_that_does_not_say_it_is_json_is_refused(
    client: httpx2.AsyncClient, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}

    response = await client.post("/api/v1/items", content=json.dumps(ITEM), headers=headers)

    assert response.status_code == 415
    assert response.json()["code"] == "UNSUPPORTED_MEDIA_TYPE"


def _text_of(total: int) -> bytes:
    return b'{"text": "' + b"x" * (total - 12) + b'"}'


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/api/v1/big", BIG_LIMIT, 200),
        ("/api/v1/big", BIG_LIMIT + 1, 413),
        ("/api/v1/free", DEFAULT_LIMIT + 1, 413),
        ("/api/v1/raw", DEFAULT_LIMIT, 200),
        ("/api/v1/raw", DEFAULT_LIMIT + 1, 413),
    ],
)
@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_is_taken_up_to_the_limit_of_its_route(
    client: httpx2.AsyncClient, path: str, size: int, status: int, announced: bool
) -> None:
    body = _text_of(size)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    response = await client.post(path, content=body if announced else chunks(), headers=JSON)

    assert response.status_code == status
    if status == 413:
        assert response.json()["code"] == "PAYLOAD_TOO_LARGE"
        assert response.headers["connection"] == "close"


@pytest.mark.parametrize("length", ["300000000", "9" * 40, "9" * 5000])
async def test_an_announced_length_beyond_the_limit_is_refused_unread(app: Any, length: str) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("the body was read")

    headers = [(b"content-type", b"application/json"), (b"content-length", length.encode())]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/items",
        "headers": headers,
        "query_string": b"",
    }
    await app(scope, receive, send)

    assert sent[0]["status"] == 413


async def test_a_caller_who_leaves_while_sending_is_no_error_of_ours(app: Any, logs: list[Any]) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    headers = [(b"content-type", b"application/json"), (b"content-length", b"10")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/items",
        "headers": headers,
        "query_string": b"",
    }
    await app(scope, receive, send)

    assert [entry["event"] for entry in logs] == ["request"]
    assert logs[0]["status"] == 499


def test_larger_limits_get_more_time() -> None:
    assert deadline_for(DEFAULT_LIMIT) == deadline_for(1) == 9
    assert deadline_for(10 * DEFAULT_LIMIT) == 45


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=5", 200),
        ("limit=0", 400),
        ("limit=101", 400),
        ("limit=2147483648", 400),
        ("limit=abc", 400),
        ("limit[$ne]=1", 400),
        ("skip=-1", 400),
        ("skip=9223372036854775808", 400),
        ("skip=" + "9" * 5000, 400),
        ("limit=%00", 400),
        ("limit=%ff", 400),
    ],
)
async def test_query_parameters_are_bounded(client: httpx2.AsyncClient, query: str, status: int) -> None:
    response = await client.get(f"/api/v1/items?{query}")

    assert response.status_code == status


async def test_non_finite_numbers_that_were_stored_long_ago_do_not_break_readers(
    client: httpx2.AsyncClient,
) -> None:
    response = await client.get("/poison")

    assert response.status_code == 200
    assert response.json() == {"stored": [None, None]}
    assert response.headers["content-type"] == "application/json; charset=utf-8"


async def test_the_deadline_is_for_the_body_and_not_for_whoever_watches_the_connection_afterwards() -> None:
    loop = asyncio.get_running_loop()
    left = asyncio.Event()
    messages = iter([{"type": "http.request", "body": b"{}"}])

    async def receive() -> Any:
        if message := next(messages, None):
            return message
        await left.wait()
        return {"type": "http.disconnect"}

    request = BoundedRequest(Request({"type": "http", "headers": []}, receive), limit=10, seconds=0.05)
    await request.body()
    loop.call_later(0.1, left.set)

    assert await request.receive() == {"type": "http.disconnect"}
