"""One reader for every way of sending a credential, whoever sends what."""

import pytest
from starlette.datastructures import Headers

from crafter.auth.credentials import Credentials, read_credentials

KEY, OTHER, SESSION = "a" * 64, "b" * 64, "c" * 64
JWT = "eyJh.eyJ1.c2ln"


def sent(*headers: tuple[str, str]) -> Credentials:
    return read_credentials(Headers(raw=[(name.encode(), value.encode()) for name, value in headers]))


@pytest.mark.parametrize(
    ("headers", "api_key"),
    [
        ([], None),
        ([("x-api-key", KEY)], KEY),
        ([("authorization", f"Bearer {KEY}")], KEY),
        ([("x-api-key", KEY), ("authorization", f"Bearer {OTHER}")], KEY),
        ([("x-api-key", ""), ("authorization", f"Bearer {OTHER}")], OTHER),
        ([("x-api-key", "nonsense"), ("authorization", f"Bearer {OTHER}")], "nonsense"),
        ([("authorization", KEY)], None),
        ([("authorization", f"bearer {KEY}")], None),
        ([("authorization", f"Session {KEY}")], None),
        ([("x-session-token", KEY)], None),
        ([("authorization", "Bearer ")], None),
    ],
)
def test_a_platform_key_comes_in_its_header_or_as_bearer(
    headers: list[tuple[str, str]], api_key: str | None
) -> None:
    assert sent(*headers).api_key == api_key


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ([("x-session-token", SESSION)], SESSION),
        ([("authorization", f"Session {SESSION}")], SESSION),
        ([("x-session-token", SESSION), ("authorization", f"Session {OTHER}")], SESSION),
        ([("x-session-token", SESSION), ("x-api-key", KEY), ("authorization", f"Bearer {KEY}")], SESSION),
        ([("authorization", f"Bearer {SESSION}")], None),
        ([("authorization", f"session {SESSION}")], None),
        ([("x-api-key", SESSION)], None),
    ],
)
def test_a_session_token_comes_in_its_header_or_as_session(
    headers: list[tuple[str, str]], token: str | None
) -> None:
    assert sent(*headers).session_token == token


@pytest.mark.parametrize(
    "headers",
    [
        [("x-api-key", KEY), ("x-api-key", KEY)],
        [("x-api-key", KEY), ("x-api-key", OTHER)],
        [("authorization", f"Bearer {KEY}"), ("authorization", f"Bearer {JWT}")],
        [("x-session-token", SESSION), ("x-session-token", OTHER)],
        [("x-api-key", KEY), ("x-session-token", SESSION), ("x-session-token", SESSION)],
    ],
)
def test_of_a_header_that_came_twice_nothing_counts(headers: list[tuple[str, str]]) -> None:
    assert sent(*headers) == Credentials(ambiguous=True)


@pytest.mark.parametrize(
    ("headers", "names_program"),
    [
        ([("authorization", f"Bearer {JWT}")], False),
        ([("authorization", f"Bearer {KEY}")], True),
        ([("authorization", f"Bearer {KEY.upper()}")], False),
        ([("x-api-key", "nonsense"), ("authorization", f"Bearer {JWT}")], True),
        ([("authorization", KEY)], False),
        ([], False),
    ],
)
def test_a_program_is_told_from_a_person(headers: list[tuple[str, str]], names_program: bool) -> None:
    assert sent(*headers).names_program is names_program
