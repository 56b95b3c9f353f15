"""Calls of configured endpoints: what is sent where, with which credentials, and what becomes known of it."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from crafter.core.secrets import SecretUnreadable
from tests.fakes.listener import answering, dripping, listening
from tests.fakes.service import FakeService, Said
from tests.tool_runtime.support import Bench

TOKEN = "canary-token-0123456789"
BEARER = {"type": "bearer_token", "token": TOKEN}
COOKIE = {"type": "cookie", "cookie": f"theme=dark; session={TOKEN}"}
IN_HEADER = {"type": "api_key", "key_name": "X-Key", "key_value": TOKEN, "location": "header"}
IN_QUERY = {"type": "api_key", "key_name": "key", "key_value": TOKEN + " &/", "location": "query"}


def config(service: FakeService, **endpoint: Any) -> dict[str, Any]:
    """Settings with one endpoint, ``it``."""
    return {"endpoints": {"it": {"base_url": service.url, "path": "/v1", "methods": ["GET"], **endpoint}}}


async def call(bench: Bench, settings: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    return await bench.use("api_caller", settings, **{"endpoint_name": "it", **arguments})


async def refusal(bench: Bench, service: FakeService, settings: dict[str, Any], **arguments: Any) -> str:
    sentence = await bench.refused("api_caller", settings, **{"endpoint_name": "it", **arguments})
    assert service.requests == []
    return sentence


async def test_an_endpoint_is_called_and_its_answer_has_all_keys_of_the_contract(
    bench: Bench, service: FakeService
) -> None:
    settings = config(service, path="/users/{id}/orders", methods=["GET", "POST"], headers={"X-Fixed": "f"})
    service.said = Said({"orders": [1, {"a.b": None}]}, 201, headers={"X-Total": "2"})

    answer = await call(
        bench,
        settings,
        method="POST",
        path_params={"id": 42},
        query_params={"q": "a b&c", "n": 7, "flag": True, "none": None, "tag": ["x", "y"]},
        body_data={"amount": 1.5},
        headers={"X-Trace": "t"},
    )

    url = f"{service.url}/users/42/orders?q=a+b%26c&n=7&flag=true&tag=x&tag=y"
    assert answer.pop("execution_time_ms") >= 0
    assert answer.pop("headers")["x-total"] == "2"
    assert answer == {
        "endpoint_name": "it",
        "url": url,
        "method": "POST",
        "status_code": 201,
        "status_text": "Created",
        "success": True,
        "data": {"orders": [1, {"a.b": None}]},
    }
    asked = service.asked
    assert (asked.method, f"{service.url}{asked.target}", asked.json) == ("POST", url, {"amount": 1.5})
    sent = {name: asked.headers.get(name) for name in ("x-fixed", "x-trace", "content-type", "authorization")}
    assert list(sent.values()) == ["f", "t", "application/json", None]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
async def test_an_error_status_is_an_answer_without_success(
    bench: Bench, service: FakeService, status: int
) -> None:
    service.said = Said("No.", status, "text/plain")

    answer = await call(bench, config(service))

    assert (answer["status_code"], answer["success"], answer["data"]) == (status, False, "No.")


@pytest.mark.parametrize(
    ("credentials", "header", "sent"),
    [
        (BEARER, "authorization", f"Bearer {TOKEN}"),
        (COOKIE, "cookie", f"theme=dark; session={TOKEN}"),
        (IN_HEADER, "x-key", TOKEN),
    ],
    ids=["bearer", "cookie", "header"],
)
@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
async def test_credentials_are_sent_and_never_told(
    bench: Bench, service: FakeService, credentials: dict[str, Any], header: str, sent: str, shared: bool
) -> None:
    settings = config(service, **({} if shared else {"authentication": credentials}))
    if shared:
        settings["authentication"] = credentials
    service.said = Said({"you": [sent, TOKEN]}, headers={"X-Echo": TOKEN, "Set-Cookie": "s=1"})

    answer = await call(bench, settings)

    assert service.asked.headers[header] == sent
    assert TOKEN not in json.dumps(answer)
    assert answer["data"]["you"][1] == "***"
    assert (answer["headers"]["x-echo"], answer["headers"]["set-cookie"]) == ("***", "***")


async def test_a_key_in_the_query_is_masked_in_the_address(bench: Bench, service: FakeService) -> None:
    value = IN_QUERY["key_value"]
    service.said = Said(f"you asked ?key={quote(value, safe='')} ({value})", kind="text/plain")

    answer = await call(bench, config(service, authentication=IN_QUERY), query_params={"a": "1"})

    assert service.asked.query == [("a", "1"), ("key", value)]
    assert answer["url"] == f"{service.url}/v1?a=1&key=***"
    assert answer["data"] == "you asked ?key=*** (***)"


async def test_a_secret_in_a_configured_query_is_masked_in_the_address(
    bench: Bench, service: FakeService
) -> None:
    answer = await call(bench, config(service, path=f"/v1?app_key={TOKEN}&v=2&flag"), query_params={"a": "b"})

    assert service.asked.target == f"/v1?app_key={TOKEN}&v=2&flag&a=b"
    assert answer["url"] == f"{service.url}/v1?app_key=***&v=2&flag&a=b"


async def test_an_endpoints_own_credentials_win_and_no_other_secret_is_opened(
    bench: Bench, service: FakeService
) -> None:
    stored = bench.seal("api_caller", config(service, authentication=BEARER))
    broken = stored["endpoints"]["it"]["authentication"]["token"]
    stored["endpoints"]["other"] = {
        **stored["endpoints"]["it"],
        "authentication": {**BEARER, "token": broken},
    }
    stored["authentication"] = {"type": "bearer_token", "token": broken}

    await bench.use_stored("api_caller", stored, endpoint_name="it")

    assert service.asked.headers["authorization"] == f"Bearer {TOKEN}"
    with pytest.raises(SecretUnreadable):
        await bench.use_stored("api_caller", stored, endpoint_name="other")


async def test_what_the_node_server_stored_in_plain_text_is_sent_too(
    bench: Bench, service: FakeService
) -> None:
    stored = {**config(service), "authentication": {"type": "api_key", "api_key": TOKEN}}

    await bench.use_stored("api_caller", stored, endpoint_name="it")

    assert service.asked.headers["x-api-key"] == TOKEN


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("?x=1&y#z", "%3Fx%3D1%26y%23z"),
        ("%2e%2e", "%252e%252e"),
        ("@evil.com:80", "%40evil.com%3A80"),
        ("{other}", "%7Bother%7D"),
        ("..a", "..a"),
        ("ü", "%C3%BC"),
        (True, "true"),
        (-1.5, "-1.5"),
    ],
)
async def test_no_value_changes_the_path(bench: Bench, service: FakeService, value: Any, sent: str) -> None:
    settings = config(service, path="/u/{id}/{other}?of={id}")

    await call(bench, settings, path_params={"id": value, "other": "o"})

    assert service.asked.target == f"/u/{sent}/o?of={sent}"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("..", "one printable value"),
        (".", "one printable value"),
        ("../admin", "one printable value"),
        ("a/../../admin", "one printable value"),
        ("..\\admin", "one printable value"),
        ("..;", "one printable value"),
        ("", "one printable value"),
        (" ", "one printable value"),
        ("a\r\nX: y", "one printable value"),
        ("a\0", "one printable value"),
        ("\ud800", "not a valid value"),
        ({"a": 1}, "must be a string, a number or a boolean"),
        (["a"], "must be a string, a number or a boolean"),
        (None, "must be a string, a number or a boolean"),
        ("a" * 9_000, "longer than 8000"),
        pytest.param(10**5_000, "not a valid value", id="large"),
    ],
)
async def test_a_value_that_leads_elsewhere_is_refused(
    bench: Bench, service: FakeService, value: Any, reason: str
) -> None:
    settings = config(service, path="/u/{id}")

    assert reason in await refusal(bench, service, settings, path_params={"id": value})


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"endpoint_name": "that"}, "There is no endpoint 'that'. There are: it."),
        ({"path_params": {}}, "The path parameter 'id' is missing"),
        ({"path_params": {"id": 1, "x": 2}}, "The path has no parameter 'x': it has only id"),
        ({"method": "DELETE"}, "Endpoint 'it' takes GET, PUT, not DELETE"),
        ({"body_data": {"a": 1}}, "body_data only goes with PATCH, POST, PUT, not with GET"),
        ({"method": "PUT", "body_data": float("nan")}, "body_data is not valid JSON"),
        ({"method": "PUT", "body_data": "a" * 70_000}, "body_data is larger than 65536 bytes"),
        ({"query_params": {"KEY": "mine"}}, "The query parameter 'KEY' is configured, and cannot be set"),
        ({"query_params": {"tenant": "2"}}, "The query parameter 'tenant' is configured, and cannot be set"),
        ({"query_params": {"a": {}}}, "The query parameter 'a' must be a string, a number or a boolean"),
        ({"query_params": {"a": ["x"] * 51}}, "There are more than 50 query parameters"),
        ({"headers": {"X-Fixed": "mine"}}, "The header 'X-Fixed' cannot be set"),
        (
            {"headers": {"X-Ok": "a\r\nb"}},
            "The header 'X-Ok' is not a valid header of at most 1000 characters",
        ),
        ({"headers": {"X-Ok": "ü"}}, "The header 'X-Ok' is not a valid header of at most 1000 characters"),
        ({"headers": {"X Y": "a"}}, "The header 'X Y' is not a valid header of at most 1000 characters"),
        ({"headers": {"X-Ok": {}}}, "The header 'X-Ok' must be a string, a number or a boolean"),
        ({"headers": {f"X-{n}": "a" for n in range(51)}}, "There are more than 50 headers"),
        ({"headers": []}, "Parameter 'headers' must be of type object"),
    ],
)
async def test_what_the_endpoint_does_not_take_is_refused(
    bench: Bench, service: FakeService, arguments: dict[str, Any], reason: str
) -> None:
    settings = config(
        service,
        path="/u/{id}?tenant=1",
        methods=["GET", "PUT", 7],
        headers={"x-fixed": "f"},
        authentication=IN_QUERY,
    )

    assert await refusal(bench, service, settings, **{"path_params": {"id": 1}, **arguments}) == reason


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "COOKIE",
        "host",
        "Content-Length",
        "Content-Type",
        "Transfer-Encoding",
        "Connection",
        "Proxy-Authorization",
        "X-Forwarded-For",
        "X-HTTP-Method-Override",
        "X-Original-URL",
        "X-Key",
        "x_key",
        "Content_Length",
        "X_Forwarded_For",
    ],
)
async def test_no_header_replaces_credentials_or_the_request(
    bench: Bench, service: FakeService, name: str
) -> None:
    settings = config(service, authentication=IN_HEADER)

    assert "cannot be set" in await refusal(bench, service, settings, headers={name: "mine"})


async def test_the_method_is_get_or_the_only_one(bench: Bench, service: FakeService) -> None:
    for methods, used in ((["POST", "GET"], "GET"), (["POST"], "POST"), (None, "GET")):
        answer = await call(bench, config(service, methods=methods))
        assert answer["method"] == service.requests[-1].method == used


@pytest.mark.parametrize(
    "endpoint",
    [
        {"base_url": "file:///etc/passwd"},
        {"base_url": "http://user:pw@127.0.0.1"},
        {"base_url": "http://127.0.0.1?x="},
        {"base_url": None},
        {"path": "//evil.example/x"},
        {"path": "@evil.example"},
        {"path": 7},
        {"headers": {"Host": "evil.example"}},
        {"headers": {"X-A": "a\r\nX-B: b"}},
        {"headers": {"X-A": 7}},
        {"authentication": {"type": "bearer_token"}},
        {"authentication": {"type": "bearer_token", "token": "a\nb"}},
        {"authentication": {"type": "magic", "token": "x"}},
        {"authentication": "x"},
    ],
)
async def test_what_was_stored_without_our_checks_is_not_sent(
    bench: Bench, service: FakeService, endpoint: dict[str, Any]
) -> None:
    assert len(await refusal(bench, service, config(service, **endpoint))) < 200


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:{closed}",
        "http://localhost:{port}",
        "http://169.254.169.254",
        "http://[::1]:{port}",
        "http://[::ffff:169.254.169.254]",
        "http://10.0.0.1",
        "http://{{x}}.example",
    ],
)
async def test_addresses_that_are_not_public_are_refused(
    bench: Bench, service: FakeService, base_url: str
) -> None:
    async with listening() as neighbour:
        address = base_url.format(closed=neighbour.port, port=service.port)
        sentence = await refusal(bench, service, config(service, base_url=address, authentication=BEARER))

        assert TOKEN not in sentence
        assert neighbour.accepted == 0


async def test_a_redirect_is_not_followed(bench: Bench, service: FakeService) -> None:
    for status in (301, 302, 303, 307, 308):
        service.said = Said(status=status, headers={"Location": f"{service.url}/elsewhere"})
        sentence = await bench.refused("api_caller", config(service), endpoint_name="it")
        assert "redirect, which is not followed" in sentence
    assert {request.path for request in service.requests} == {"/v1"}


async def test_an_answer_is_bounded_in_time_and_size(
    bench: Bench, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crafter.tool_runtime.api_caller.DEADLINE_SECONDS", 0.2)
    allow = bench.runtime.settings.tenant_egress_allow
    async with listening(dripping(b"x", 0.05)) as slow, listening(answering(b"x" * 1_000_001)) as large:
        allow += [f"127.0.0.1:{slow.port}", f"127.0.0.1:{large.port}"]
        for listener, reason in ((slow, "in time"), (large, "more than 1000000 bytes")):
            settings = config(service, base_url=f"http://127.0.0.1:{listener.port}")
            assert reason in await bench.refused("api_caller", settings, endpoint_name="it")


@pytest.mark.parametrize(
    ("said", "data"),
    [
        (Said("plain", kind="text/plain"), "plain"),
        (Said("[1, 2]", kind="text/plain"), [1, 2]),
        (Said("7"), 7),
        (Said("{broken"), "{broken"),
        (Said('{"a": 1, "a": 2}'), '{"a": 1, "a": 2}'),
        (Said("[" * 5_000), "[" * 5_000),
        (Said("", kind="text/plain"), None),
        (Said("é".encode("latin-1"), kind="text/plain; charset=latin-1"), "é"),
        (Said(b"\xff\xfe", kind="text/plain; charset=punycode"), "��"),
        (Said(b"\x89PNG\0\0", kind="image/png"), "(6 bytes that are not text)"),
    ],
)
async def test_an_answer_is_read_as_json_where_it_is(
    bench: Bench, service: FakeService, said: Said, data: Any
) -> None:
    service.said = said

    assert (await call(bench, config(service)))["data"] == data


async def test_a_long_answer_is_cut(bench: Bench, service: FakeService) -> None:
    service.said = Said(["x" * 100] * 5_000, headers={f"X-{n}": "y" * 1_000 for n in range(60)})

    answer = await call(bench, config(service))

    assert answer["truncated"] is True
    assert len(json.dumps(answer)) < 24_000
