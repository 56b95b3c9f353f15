"""What a failure looks like to a caller, and what it leaves in the log."""

import json
from typing import Annotated, Any, Literal

import httpx2
import pytest
from annotated_types import Ge, Gt, Le, Lt, MultipleOf
from pydantic import (
    UUID4,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    HttpUrl,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pymongo.errors import AutoReconnect

from crafter.core.errors import CrafterError
from crafter.edge.responses import problem_bytes
from crafter.edge.validation import MAX_ERRORS, to_validation_failed

MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id", "error", "message"}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/fails/conflict", 409, "CONFLICT"),
        ("/fails/bug", 500, "INTERNAL_ERROR"),
        ("/fails/teapot", 400, "BAD_REQUEST"),
        ("/fails/gateway", 503, "UNAVAILABLE"),
        ("/fails/forbidden", 403, "FORBIDDEN"),
        ("/fails/database", 500, "INTERNAL_ERROR"),
        ("/wrong-answer", 500, "INTERNAL_ERROR"),
        ("/api/v1/items/none", 404, "ITEM_NOT_FOUND"),
        ("/nowhere", 404, "ROUTE_NOT_FOUND"),
        ("/api/v1/items?limit=0", 400, "VALIDATION_FAILED"),
    ],
)
async def test_every_failure_has_the_same_body(
    client: httpx2.AsyncClient, path: str, status: int, code: str
) -> None:
    response = await client.get(path, headers={"X-Request-Id": "ask-1"})

    body = response.json()
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert body.keys() >= MEMBERS
    assert (body["status"], body["code"], body["request_id"]) == (status, code, "ask-1")
    assert body["instance"] == path.partition("?")[0]
    assert body["error"] == body["message"] == body["detail"]


async def test_headers_of_framework_errors_survive(client: httpx2.AsyncClient) -> None:
    response = await client.get("/fails/teapot")

    assert response.headers["x-pot"] == "short"


@pytest.mark.parametrize("path", ["/fails/bug", "/fails/database", "/wrong-answer"])
async def test_an_internal_error_says_nothing_but_its_request_id(
    client: httpx2.AsyncClient, path: str
) -> None:
    response = await client.get(path)

    assert response.json()["request_id"] == response.headers["x-request-id"]
    for secret in ("hunter2", "secret", "Traceback", "Error:"):
        assert secret not in response.text


async def test_an_internal_error_is_logged_with_its_traceback_and_request_id(
    client: httpx2.AsyncClient, logs: list[Any]
) -> None:
    await client.get("/fails/bug", headers={"X-Request-Id": "ask-2"})

    error = next(entry for entry in logs if entry["event"] == "unhandled_error")
    assert error["request_id"] == "ask-2"
    assert error["error"] == "RuntimeError"
    assert isinstance(error["exc_info"], RuntimeError)


async def test_an_answer_that_breaks_its_own_schema_is_logged_without_its_content(
    client: httpx2.AsyncClient, logs: list[Any]
) -> None:
    await client.get("/wrong-answer")

    failure = next(entry for entry in logs if entry["event"] == "invalid_response")
    assert failure["failures"] == [(("response", "prompt"), "int_parsing")]
    assert "a secret prompt" not in repr(logs)


async def test_a_database_that_does_not_answer_is_not_our_mistake(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away(CrafterError):
        status = 503
        code = "DATABASE_UNAVAILABLE"

    seen: list[Exception] = []

    def describe(error: Exception) -> CrafterError:
        seen.append(error)
        return Away()

    monkeypatch.setattr("crafter.edge.errors.describe_failure", describe)

    response = await client.get("/fails/database")

    assert response.status_code == 503
    assert response.json()["code"] == "DATABASE_UNAVAILABLE"
    assert len(seen) == 1


@pytest.mark.parametrize("detail", ["\ud800", {"a": ["\udfff"]}, float("nan"), object(), AutoReconnect("x")])
def test_an_error_body_can_always_be_written(detail: Any) -> None:
    scope = {"path": "/\ud800\u2028é", "state": {"request_id": "r"}}

    body = json.loads(problem_bytes(CrafterError("odd \ud800", odd=detail), scope))

    assert body["request_id"] == "r"
    assert body["instance"].isascii()


def test_the_instance_of_an_error_is_the_path_as_it_was_sent_and_short() -> None:
    scope = {"path": "/a b", "raw_path": b"/a%20b/\xff\r" + b"x" * 5000}

    instance = json.loads(problem_bytes(CrafterError(), scope))["instance"]

    assert instance.startswith("/a%20b/%C3%BF%0Dxx")
    assert len(instance) == 1024


async def test_a_broken_stream_is_cut_off_and_not_passed_off_as_whole(
    client: httpx2.AsyncClient, logs: list[Any]
) -> None:
    with pytest.raises(RuntimeError, match="half way"):
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(client._transport.app),  # type: ignore[attr-defined]
            base_url="http://crafter.test",
        ) as strict:
            await strict.get("/broken-stream")

    assert [entry["event"] for entry in logs] == ["unhandled_error", "request"]


async def test_validation_names_every_wrong_field_as_the_contract_does(client: httpx2.AsyncClient) -> None:
    body = {
        "name": "x",
        "llm_settings": {"parameters": {"temperature": 9}},
        "faqs": [{"question": "q", "answer": ""}, {"question": "q"}],
        "slug": "SECRET-Slug",
        "a~b/c": 1,
    }

    response = await client.post("/api/v1/items", json=body)

    assert response.status_code == 400
    assert [(e["path"], e["pointer"], e["msg"]) for e in response.json()["errors"]] == [
        ("name", "/name", "Invalid value: must have at least 2 characters"),
        (
            "llm_settings.parameters.temperature",
            "/llm_settings/parameters/temperature",
            "Invalid value: must be at most 2",
        ),
        ("faqs[0].answer", "/faqs/0/answer", "Invalid value: must have at least 1 character"),
        ("faqs[1].answer", "/faqs/1/answer", "Invalid value: is required"),
        ("slug", "/slug", "Slugs are lower case"),
        ('["a~b/c"]', "/a~0b~1c", "Invalid value: is not a known field"),
    ]
    assert {(e["type"], e["location"]) for e in response.json()["errors"]} == {("field", "body")}
    assert "SECRET" not in response.text
    assert response.json()["error"] == response.json()["message"]


@pytest.mark.parametrize(
    ("method", "url", "location", "path"),
    [
        ("GET", "/api/v1/items?limit=secret-x", "query", "limit"),
        ("GET", "/api/v1/numbers/secret-x", "params", "number"),
    ],
)
async def test_validation_says_where_the_field_was(
    client: httpx2.AsyncClient, method: str, url: str, location: str, path: str
) -> None:
    response = await client.request(method, url)

    error = response.json()["errors"][0]
    assert (error["location"], error["path"], error["pointer"]) == (location, path, f"/{path}")
    assert error["msg"] == "Invalid value: must be a whole number"
    assert "secret-x" not in response.text.replace("/api/v1/numbers/secret-x", "")


async def test_a_thousand_unknown_fields_get_a_short_answer(client: httpx2.AsyncClient) -> None:
    body = {"name": "ab"} | {f"{n}" + "x" * 500: 1 for n in range(1000)}

    response = await client.post("/api/v1/items", json=body)

    assert len(response.json()["errors"]) == MAX_ERRORS
    assert len(response.content) < 60_000


class Text(BaseModel):
    kind: Literal["text"]
    value: str


class Number(BaseModel):
    kind: Literal["number"]
    value: int


class Picky(BaseModel):
    model_config = ConfigDict(extra="forbid")

    value: int | list[str] = 0
    choice: Annotated[Text | Number, Field(discriminator="kind")] | None = None

    @field_validator("value")
    @classmethod
    def _is_liked(cls, value: Any) -> Any:
        if value == 13:
            raise PydanticCustomError("unlucky", "We do not like {number}", {"number": 13})
        if value == 14:
            raise AssertionError("Fourteen is taken")
        return value


SENTENCES: list[tuple[Any, Any, str]] = [
    (str, 1, "must be a string"),
    (Annotated[str, Field(min_length=3)], "ab", "must have at least 3 characters"),
    (Annotated[str, Field(max_length=1)], "ab", "must have at most 1 character"),
    (Annotated[str, StringConstraints(pattern="^a$")], "b", "does not have the required form"),
    (Annotated[list[int], Field(min_length=1)], [], "must have at least 1 item"),
    (Annotated[list[int], Field(max_length=2)], [1, 2, 3], "must have at most 2 items"),
    (list[int], {}, "must be a list"),
    (dict[str, int], [], "must be an object"),
    (Text, [], "must be an object"),
    (int, "x", "must be a whole number"),
    (int, 1.5, "must be a whole number"),
    (int, "9" * 5000, "has too many digits"),
    (float, "x", "must be a number"),
    (FiniteFloat, float("inf"), "must be a finite number"),
    (bool, "maybe", "must be true or false"),
    (Annotated[int, Gt(1)], 1, "must be greater than 1"),
    (Annotated[int, Ge(1)], 0, "must be at least 1"),
    (Annotated[int, Lt(1)], 1, "must be less than 1"),
    (Annotated[float, Le(0.5)], 1, "must be at most 0.5"),
    (Annotated[int, MultipleOf(5)], 1, "must be a multiple of 5"),
    (Literal["a", "b"], "c", "must be 'a' or 'b'"),
    (None, 1, "must be null"),
    (AwareDatetime, "yesterday", "must be a date and time such as 2026-01-31T09:15:00.123Z"),
    (AwareDatetime, "2026-01-31T09:15:00", "must have a time zone"),
    (UUID4, "x", "must be a UUID"),
    (HttpUrl, "ftp://x", "must be a URL that begins with 'http' or 'https'"),
    (HttpUrl, "http://", "must be a URL"),
    (
        Annotated[Text | Number, Field(discriminator="kind")],
        {"kind": "x"},
        "must name a known kind: 'text', 'number'",
    ),
    (Annotated[Text | Number, Field(discriminator="kind")], {}, "must say its kind in 'kind'"),
]


def failures_of(annotation: Any, value: Any) -> list[Any]:
    with pytest.raises(ValidationError) as invalid:
        TypeAdapter(annotation).validate_python(value)
    return [{**error, "loc": ("body", *error["loc"])} for error in invalid.value.errors()]


@pytest.mark.parametrize(("annotation", "value", "sentence"), SENTENCES)
def test_each_kind_of_failure_has_a_plain_sentence(annotation: Any, value: Any, sentence: str) -> None:
    failed = to_validation_failed(failures_of(annotation, value), value)

    assert failed.details["errors"][0]["msg"] == f"Invalid value: {sentence}"


@pytest.mark.parametrize(
    ("value", "path", "msg"),
    [
        ({"value": 13}, "value", "We do not like 13"),
        ({"value": 14}, "value", "Fourteen is taken"),
        ({"value": "x"}, "value", "Invalid value: must be a whole number"),
        ({"value": [1]}, "value", "Invalid value: must be a whole number"),
        ({"choice": {"kind": "text"}}, "choice.value", "Invalid value: is required"),
        (
            {"choice": {"kind": "number", "value": "x"}},
            "choice.value",
            "Invalid value: must be a whole number",
        ),
    ],
)
def test_paths_do_not_show_how_our_models_are_built(value: Any, path: str, msg: str) -> None:
    failed = to_validation_failed(failures_of(Picky, value), value)

    assert failed.details["errors"][0]["path"] == path
    assert failed.details["errors"][0]["msg"] == msg


def test_members_of_a_union_that_all_fail_are_all_named() -> None:
    value = {"value": [1]}

    failed = to_validation_failed(failures_of(Picky, value), value)

    assert [(e["path"], e["pointer"]) for e in failed.details["errors"]] == [
        ("value", "/value"),
        ("value[0]", "/value/0"),
    ]
