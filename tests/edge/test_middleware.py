"""What every answer carries, and what every request leaves in the log."""

from typing import Any

import httpx2
import pytest

from crafter.core.logging import current_request_id

HELMET = {
    "content-security-policy": (
        "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';"
        "frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';"
        "script-src-attr 'none';style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "cross-origin",
    "origin-agent-cluster": "?1",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-dns-prefetch-control": "off",
    "x-download-options": "noopen",
    "x-frame-options": "SAMEORIGIN",
    "x-permitted-cross-domain-policies": "none",
    "x-xss-protection": "0",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/items/Known"),
        ("HEAD", "/api/v1/items/Known"),
        ("POST", "/api/v1/items"),
        ("PUT", "/api/v1/items/Known"),
        ("GET", "/nowhere"),
        ("GET", "/fails/bug"),
        ("GET", "/unchanged"),
        ("GET", "/stream"),
        ("OPTIONS", "/api/v1/items"),
        ("OPTIONS", "/nowhere"),
    ],
)
async def test_every_answer_has_the_cross_origin_and_security_headers(
    client: httpx2.AsyncClient, method: str, path: str
) -> None:
    response = await client.request(method, path, headers={"Origin": "https://shop.example"})

    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers
    assert "x-powered-by" not in response.headers
    for name, value in HELMET.items():
        assert response.headers.get_list(name) == [value]


async def test_a_header_that_a_route_sets_itself_is_left_alone(client: httpx2.AsyncClient) -> None:
    response = await client.get("/framed")

    assert response.headers.get_list("x-frame-options") == ["DENY"]
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/api/v1/items", "/api/v1/nowhere"])
async def test_a_preflight_allows_what_it_asks_for(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.options(
        path,
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type, x-session-token,x-api-key",
        },
    )

    assert response.status_code == 204
    assert response.content == b""
    assert response.headers["access-control-allow-methods"] == "GET,HEAD,PUT,PATCH,POST,DELETE"
    assert response.headers["access-control-allow-headers"] == "content-type, x-session-token,x-api-key"
    assert response.headers["vary"] == "Access-Control-Request-Headers"


async def test_a_preflight_echoes_nothing_that_is_not_a_list_of_header_names(
    client: httpx2.AsyncClient,
) -> None:
    response = await client.options("/", headers={"Access-Control-Request-Headers": "x: y\t<script>"})

    assert response.status_code == 204
    assert "access-control-allow-headers" not in response.headers


async def test_an_unchanged_answer_has_no_body(client: httpx2.AsyncClient) -> None:
    response = await client.get("/unchanged", headers={"If-None-Match": '"1"'})

    assert response.status_code == 304
    assert response.content == b""
    assert response.headers["etag"] == '"1"'
    assert "content-type" not in response.headers


async def test_json_of_the_framework_names_its_charset_too(client: httpx2.AsyncClient) -> None:
    response = await client.post("/api/v1/items", json={"name": "ab"})

    assert response.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("given", ["a", "ask-1", "A.b_c-9" * 9, "0" * 64])
async def test_a_request_id_of_the_caller_is_kept(client: httpx2.AsyncClient, given: str) -> None:
    response = await client.get("/nowhere", headers={"X-Request-Id": given})

    assert response.headers.get_list("x-request-id") == [given]
    assert response.json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "0" * 65, "a b", "a\tb", "ü", '"', "${jndi:x}", "a/b"])
async def test_any_other_request_id_is_replaced(client: httpx2.AsyncClient, given: str) -> None:
    response = await client.get("/nowhere", headers=[(b"X-Request-Id", given.encode("latin-1"))])

    assert len(response.headers["x-request-id"]) == 36
    assert response.json()["request_id"] == response.headers["x-request-id"]


async def test_each_request_gets_an_id_of_its_own(client: httpx2.AsyncClient) -> None:
    ids = {(await client.get("/health")).headers["x-request-id"] for _ in range(5)}

    assert len(ids) == 5


async def test_a_request_leaves_one_line_with_its_route_and_not_its_path(
    client: httpx2.AsyncClient, logs: list[Any]
) -> None:
    await client.get("/api/v1/items/a-secret-id?token=hunter2", headers={"X-Request-Id": "ask-3"})

    [line] = logs
    assert line["event"] == "request"
    assert line["log_level"] == "info"
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/v1/items/{item_id}", 404)
    assert line["request_id"] == "ask-3"
    assert line["ms"] >= 0
    assert "secret" not in repr(line)
    assert "hunter2" not in repr(line)


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [("/nowhere", None, 404), ("/fails/bug", "/fails/{how}", 500), ("/stream", "/stream", 200)],
)
async def test_failures_streams_and_unknown_paths_are_logged_too(
    client: httpx2.AsyncClient, logs: list[Any], path: str, route: str | None, status: int
) -> None:
    await client.get(path)

    line = logs[-1]
    assert (line["event"], line["route"], line["status"]) == ("request", route, status)


async def test_health_checks_are_not_logged(client: httpx2.AsyncClient, logs: list[Any]) -> None:
    await client.get("/health")
    await client.get("/HEALTH/")

    assert logs == []


async def test_the_request_id_is_bound_only_while_the_request_lasts(client: httpx2.AsyncClient) -> None:
    await client.get("/health")

    assert current_request_id() is None


@pytest.mark.parametrize("value", ["a%0d%0aSet-Cookie:%20x=1", "a%00b", "%c5%82"])
async def test_a_header_that_cannot_be_sent_is_an_error_and_not_a_dropped_connection(
    client: httpx2.AsyncClient, value: str
) -> None:
    response = await client.get(f"/header?value={value}")

    assert response.status_code == 500
    assert response.json()["code"] == "INTERNAL_ERROR"
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("report.csv", "attachment; filename*=UTF-8''report.csv"),
        ('a"; filename="b.exe', "attachment; filename*=UTF-8''a%22%3B%20filename%3D%22b.exe"),
        ("a\r\nSet-Cookie: x", "attachment; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x"),
        ("łódź.txt", "attachment; filename*=UTF-8''%C5%82%C3%B3d%C5%BA.txt"),
        ("../etc", "attachment; filename*=UTF-8''..%2Fetc"),
    ],
)
async def test_any_name_can_be_downloaded(client: httpx2.AsyncClient, name: str, disposition: str) -> None:
    response = await client.get("/download", params={"name": name})

    assert response.status_code == 200
    assert response.headers["content-disposition"] == disposition


@pytest.mark.parametrize(
    "host", ["x/ping#@y", "localhost/#@x", "a b", "", "crafter.test:99999", "[::1", "ü", "x\\y", "..", "%00"]
)
async def test_the_host_decides_nothing(client: httpx2.AsyncClient, host: str) -> None:
    response = await client.get("/api/v1/items/Known", headers=[(b"Host", host.encode("latin-1"))])

    assert response.status_code == 200
    assert response.json() == {"id": "Known"}
