"""What holds around every route of the application: its paths, its headers, its one error body, its log line."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from structlog.testing import capture_logs

from crafter.core.access import rule_of
from crafter.edge.middleware import ALLOWED_METHODS, COMMON_HEADERS
from tests.operations import OPERATIONS, PROBLEM_MEMBERS, READS, Document, Operation
from tests.siege import TYPED, Siege, siege
from tests.wire import Answer, Wire

METHODS = ("GET", "PUT", "PATCH", "POST", "DELETE")
PATHS = sorted({operation.route.path for operation in OPERATIONS})
HOSTS = (
    *(
        "",
        "evil.example",
        "localhost/#@x",
        "x/ping#@y",
        "crafter.test:99999",
        "[::1",
        "a b",
        "\xff",
        "%2e%2e",
    ),
    *("crafter.test/api/v1/health", "user:pass@crafter.test", "http://evil.example", "crafter.test.", "0"),
)
VARYING = {"/metrics", "/api/v1/external/usage/api-key", "/health/ready"}
"""What each request changes."""
REQUEST_IDS = ("", "a b", "a" * 65, "a\tb", "\xe9", "<script>", '{"a":1}', "..;/x", "a,b")


@pytest.fixture(scope="module")
async def besieged(app: FastAPI) -> AsyncIterator[Siege]:
    """One world for all."""
    async with siege(app) as besieged:
        yield besieged


@pytest.fixture
def wire(app: FastAPI) -> Wire:
    return Wire(app)


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as entries:
        yield entries


async def ask(besieged: Siege, operation: Operation, target: str | None = None, **how: Any) -> Answer:
    credentials = operation.credentials(besieged.world, besieged.person)
    return await besieged.wire.send(
        how.pop("method", operation.method),
        target or operation.target(besieged.world.ids),
        headers={**credentials, **how.pop("headers", {})},
        **how,
    )


def essence(answer: Answer) -> Any:
    """What is the same for one request and its like."""
    if answer.status >= 400:
        return answer.status, {k: v for k, v in answer.json().items() if k not in ("instance", "request_id")}
    return answer.status, answer.headers.get("etag"), len(answer.content)


def has_common_headers(answer: Answer) -> bool:
    return all(answer.headers.get(name.decode()) == value.decode() for name, value in COMMON_HEADERS)


def is_problem(answer: Answer, status: int, code: str) -> bool:
    body = answer.json()
    return (
        (answer.status, body["status"], body["code"]) == (status, status, code)
        and answer.headers["content-type"] == "application/problem+json"
        and body.keys() >= PROBLEM_MEMBERS
        and body["error"] == body["message"] == body["detail"]
        and body["request_id"] == answer.headers["x-request-id"]
    )


@pytest.mark.parametrize("operation", READS, ids=str)
async def test_a_path_is_served_however_it_is_spelled(operation: Operation, besieged: Siege) -> None:
    def spelled(change: Any) -> str:
        """The path with its fixed parts changed: ids keep their case."""
        parts = zip(
            operation.route.path.split("/"), operation.target(besieged.world.ids).split("/"), strict=True
        )
        return "/".join(actual if "{" in template else change(actual) for template, actual in parts)

    plain = await ask(besieged, operation)

    for target in (f"{spelled(str)}/", spelled(str.upper), spelled(str.title), f"{spelled(str.swapcase)}//"):
        answer = await ask(besieged, operation, target)
        assert essence(answer)[0] == essence(plain)[0], target
        if operation.route.path not in VARYING:
            assert essence(answer) == essence(plain), target


@pytest.mark.parametrize("operation", READS, ids=str)
async def test_head_gets_the_head_of_what_get_would_send(operation: Operation, besieged: Siege) -> None:
    got = await ask(besieged, operation)
    head = await ask(besieged, operation, method="HEAD")

    assert (head.status, head.content) == (got.status, b"")
    assert head.headers.get("content-type") == got.headers.get("content-type")
    if operation.route.path not in VARYING:
        assert head.headers.get("content-length") == got.headers.get("content-length")


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_answers_preflights_and_names_its_methods(path: str, besieged: Siege) -> None:
    operation = next(one for one in OPERATIONS if one.route.path == path)
    target = operation.target(besieged.world.ids)
    wanted = "content-type,authorization,x-api-key,x-session-token"
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Headers": wanted}

    preflight = await besieged.wire.send("OPTIONS", target, headers=headers)

    assert (preflight.status, preflight.content) == (204, b"")
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-headers"] == wanted
    assert preflight.headers["access-control-allow-methods"] == ALLOWED_METHODS.decode()
    served = {one.method for one in OPERATIONS if one.route.path == path}
    for method in {*METHODS, "TRACE", "CONNECT", "PROPFIND"} - served:
        answer = await besieged.wire.send(method, target)
        if answer.status == 405:
            assert is_problem(answer, 405, "METHOD_NOT_ALLOWED")
            assert {*served, "OPTIONS"} <= set(answer.headers["allow"].split(", "))
        else:  # another path, such as one with a parameter, takes this method
            assert answer.status < 500


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_every_answer_has_the_headers_that_protect_a_browser(
    operation: Operation, besieged: Siege
) -> None:
    refused = await besieged.wire.send(operation.method, operation.target(besieged.world.ids))
    assert has_common_headers(refused)
    if operation in READS:
        assert has_common_headers(await ask(besieged, operation))


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_the_host_header_opens_nothing(operation: Operation, besieged: Siege) -> None:
    rule = rule_of(operation.route)
    if rule is None or rule.kind == "public":
        return
    for host in HOSTS:
        answer = await besieged.wire.send(
            operation.method, operation.target(besieged.world.ids), headers={"Host": host}
        )
        assert answer.status == 401, host


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "target", ["/nowhere", "/api", "/api/v1", "/api/v1/", "/api/v2/agents", "/API/V1/NOWHERE/", "/x" * 3_000]
)
async def test_what_is_not_there_is_said_in_json(method: str, target: str, wire: Wire) -> None:
    answer = await wire.send(method, target, b"{}", TYPED)

    assert is_problem(answer, 404, "ROUTE_NOT_FOUND")
    assert has_common_headers(answer)


@pytest.mark.parametrize("operation", READS, ids=str)
async def test_a_request_is_named_alike_in_its_answer_and_in_the_log(
    operation: Operation, besieged: Siege, logs: list[Any]
) -> None:
    answer = await ask(besieged, operation, headers={"X-Request-Id": "ask-1"})

    assert answer.headers["x-request-id"] == "ask-1"
    if answer.status >= 400:
        assert answer.json()["request_id"] == "ask-1"
    if operation.route.path != "/health":
        [line] = [entry for entry in logs if entry["event"] == "request"]
        assert (line["request_id"], line["route"], line["status"]) == (
            "ask-1",
            operation.route.path,
            answer.status,
        )


@pytest.mark.parametrize("given", REQUEST_IDS)
async def test_a_name_that_could_forge_a_log_line_is_replaced(given: str, wire: Wire) -> None:
    answer = await wire.send("GET", "/api/v1/nowhere", headers={"X-Request-Id": given})

    assert answer.headers["x-request-id"] != given
    assert is_problem(answer, 404, "ROUTE_NOT_FOUND")


def test_these_are_the_paths_of_the_document(app: FastAPI) -> None:
    assert set(Document.of(app).content["paths"]) >= {one.route.path_format for one in OPERATIONS}
