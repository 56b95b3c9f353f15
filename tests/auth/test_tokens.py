"""Access tokens: exchangeable with LLM Crafter's, and impossible to forge or to confuse."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine

from crafter.auth import tokens
from crafter.auth.credentials import read_bearer
from crafter.auth.tokens import InvalidToken, issue_token, verify_token
from crafter.core.config import ConfigurationError, Settings, load_settings
from crafter.core.errors import Unauthenticated

SECRET = "0123456789abcdef0123456789abcdef"
USER = "4095abbf-e608-4c57-bbe5-318f14dfe32a"
OTHER_USER = "4095abbf-e608-4c57-bbe5-318f14dfe32b"
NODE_TOKEN = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VySWQiOiI0MDk1YWJiZi1lNjA4LTRjNTctYmJlNS0zMThmMTRkZmUzMmEiLCJpYXQi"
    "OjE3MDAwMDAwMDAsImV4cCI6NDEwMjQ0NDgwMH0.L9ydEQfCY5NEeF2612FQ1nJw3AFAL5hDH-dtWVAismE"
)
HEADER = {"alg": "HS256", "typ": "JWT"}
CLAIMS = {"userId": USER, "iat": 1_700_000_000, "exp": 4_102_444_800}
NOW = datetime(2026, 1, 31, 9, 15, tzinfo=UTC)


def settings_with(secret: str = SECRET, lifetime: str = "7d") -> Settings:
    return load_settings({"JWT_SECRET": secret, "JWT_EXPIRES_IN": lifetime})


SETTINGS = settings_with()


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: dict[str, Any], claims: Any, secret: str = SECRET, algorithm: str = "sha256") -> str:
    """A token of any header and claims, whatever a library would think of them, with a genuine signature."""
    body = f"{base64url(json.dumps(header).encode())}.{base64url(json.dumps(claims).encode())}"
    return f"{body}.{base64url(hmac.digest(secret.encode(), body.encode(), algorithm))}"


def with_claims(**changes: Any) -> str:
    return signed(HEADER, {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...})


def test_a_token_of_llm_crafter_verifies() -> None:
    assert verify_token(NODE_TOKEN, SETTINGS).user == USER


@time_machine.travel(NOW, tick=False)
def test_an_issued_token_has_exactly_the_claims_of_llm_crafter() -> None:
    token = issue_token(USER, settings_with(lifetime="24h"), NOW)

    assert jwt.get_unverified_header(token) == HEADER
    assert jwt.decode(token, SECRET, algorithms=["HS256"]) == {
        "userId": USER,
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 86_400,
    }


def test_an_issued_token_verifies_until_it_expires() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        token = issue_token(USER, SETTINGS, NOW)

        clock.move_to(NOW + timedelta(days=7, seconds=-1))
        assert verify_token(token, SETTINGS).user == USER
        clock.move_to(NOW + timedelta(days=7))
        with pytest.raises(InvalidToken):
            verify_token(token, SETTINGS)


def test_a_token_from_a_server_whose_clock_is_ahead_verifies() -> None:
    with time_machine.travel(NOW, tick=False):
        assert verify_token(issue_token(USER, SETTINGS, NOW + timedelta(seconds=5)), SETTINGS).user == USER


def test_the_answer_to_an_invalid_token_is_that_of_the_contract() -> None:
    with pytest.raises(InvalidToken) as refused:
        verify_token("garbage", SETTINGS)

    assert isinstance(refused.value, Unauthenticated)
    assert (refused.value.status, refused.value.message) == (401, "Invalid token")
    assert refused.value.details == {}


HEAD, BODY, SIGNATURE = NODE_TOKEN.split(".")
UNSIGNED = base64url(b'{"alg":"none"}')


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param(f"{UNSIGNED}.{BODY}.", id="alg none"),
        pytest.param(f"{UNSIGNED}.{BODY}.{SIGNATURE}", id="alg none with a signature"),
        pytest.param(signed({"alg": "none", "typ": "JWT"}, CLAIMS), id="alg none, signed"),
        pytest.param(signed({"alg": "HS512", "typ": "JWT"}, CLAIMS, algorithm="sha512"), id="HS512"),
        pytest.param(signed({"alg": "HS384", "typ": "JWT"}, CLAIMS), id="HS384 in name"),
        pytest.param(signed({"alg": "RS256", "typ": "JWT"}, CLAIMS), id="RS256 with our secret"),
        pytest.param(signed({"alg": "hs256", "typ": "JWT"}, CLAIMS), id="alg in lower case"),
        pytest.param(signed({"alg": ["HS256"], "typ": "JWT"}, CLAIMS), id="alg as a list"),
        pytest.param(signed({"typ": "JWT"}, CLAIMS), id="no alg"),
        pytest.param(signed({**HEADER, "crit": ["exp"]}, CLAIMS), id="crit"),
        pytest.param(signed({**HEADER, "crit": ["b64"], "b64": False}, CLAIMS), id="crit b64"),
        pytest.param(signed({**HEADER, "crit": []}, CLAIMS), id="crit empty"),
        pytest.param(signed({"alg": "HS256", "typ": "refresh"}, CLAIMS), id="another typ"),
        pytest.param(signed({"alg": "HS256", "typ": "at+jwt"}, CLAIMS), id="typ at+jwt"),
        pytest.param(signed(HEADER, CLAIMS, secret="f" * 32), id="another secret"),
        pytest.param(with_claims(aud="elsewhere"), id="aud"),
        pytest.param(with_claims(type="refresh"), id="a refresh token"),
        pytest.param(with_claims(sub=USER), id="a further claim"),
        pytest.param(with_claims(nbf=4_102_444_799), id="not yet valid"),
        pytest.param(with_claims(exp=1_700_000_001), id="expired"),
        pytest.param(with_claims(exp=...), id="no exp"),
        pytest.param(with_claims(exp=None), id="exp null"),
        pytest.param(with_claims(exp="4102444800"), id="exp as text"),
        pytest.param(with_claims(exp=4102444800.5), id="exp with a fraction"),
        pytest.param(with_claims(exp=float("inf")), id="exp infinite"),
        pytest.param(with_claims(exp=True), id="exp true"),
        pytest.param(with_claims(iat=...), id="no iat"),
        pytest.param(with_claims(userId=...), id="no user"),
        pytest.param(with_claims(userId=None), id="user null"),
        pytest.param(with_claims(userId=""), id="user empty"),
        pytest.param(with_claims(userId=7), id="user a number"),
        pytest.param(with_claims(userId={"$ne": None}), id="user an operator"),
        pytest.param(with_claims(userId=[USER]), id="user a list"),
        pytest.param(with_claims(userId="x" * 4096), id="more than 4 KiB"),
        pytest.param(signed(HEADER, [USER]), id="claims a list"),
        pytest.param(f"{HEAD}.{base64url(b'{')}.{SIGNATURE}", id="claims no JSON"),
        pytest.param(f"{HEAD}.{BODY}", id="no signature"),
        pytest.param(f"{HEAD}.{BODY}.", id="empty signature"),
        pytest.param(f"{HEAD}.{BODY}.{SIGNATURE}.{SIGNATURE}", id="four parts"),
        pytest.param(NODE_TOKEN[:-1], id="cut by one"),
        pytest.param(NODE_TOKEN[:60], id="cut in the middle"),
        pytest.param(NODE_TOKEN + "A", id="one more"),
        pytest.param(NODE_TOKEN + "=", id="padded"),
        pytest.param(NODE_TOKEN + "\n", id="with a line end"),
        pytest.param(NODE_TOKEN[:-1] + "F", id="another spelling of the signature"),
        pytest.param("Bearer " + NODE_TOKEN, id="with the scheme"),
        pytest.param("é" + NODE_TOKEN, id="not ASCII"),
        pytest.param("\ud800" + NODE_TOKEN, id="a lone surrogate"),
        pytest.param("' OR '1'='1", id="SQL"),
        pytest.param("x" * 1_000_000, id="a million characters"),
    ],
)
def test_what_is_no_access_token_of_ours_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        verify_token(token, SETTINGS)


def test_any_changed_character_is_noticed_also_once_the_token_is_known() -> None:
    verify_token(NODE_TOKEN, SETTINGS)

    for at, old in enumerate(NODE_TOKEN):
        for new in {"A", "B", "_", "."} - {old}:
            with pytest.raises(InvalidToken):
                verify_token(NODE_TOKEN[:at] + new + NODE_TOKEN[at + 1 :], SETTINGS)


def test_tokens_with_a_long_common_beginning_name_their_own_users() -> None:
    one, other = with_claims(), with_claims(userId=OTHER_USER)
    assert one[:80] == other[:80]

    assert [verify_token(token, SETTINGS).user for token in (one, other, one, other)] == [
        USER, OTHER_USER, USER, OTHER_USER,
    ]  # fmt: skip


def test_a_known_token_is_not_verified_again(monkeypatch: pytest.MonkeyPatch) -> None:
    token = with_claims(iat=1_700_000_001)
    verify_token(token, SETTINGS)
    monkeypatch.setattr(jwt, "decode_complete", None)

    assert verify_token(token, SETTINGS).user == USER


def test_a_known_token_means_nothing_under_another_secret() -> None:
    verify_token(NODE_TOKEN, SETTINGS)

    with pytest.raises(InvalidToken):
        verify_token(NODE_TOKEN, settings_with(secret="f" * 32))


def test_a_known_token_expires() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        token = issue_token(USER, SETTINGS, NOW)
        verify_token(token, SETTINGS)

        clock.move_to(NOW + timedelta(days=8))
        with pytest.raises(InvalidToken):
            verify_token(token, SETTINGS)


def test_only_a_bounded_number_of_tokens_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_MAX_REMEMBERED", 3)
    monkeypatch.setattr(tokens, "_verified", {})
    issued = [with_claims(iat=1_700_000_000 + n) for n in range(10)]

    assert {verify_token(token, SETTINGS).user for token in [*issued, *issued]} == {USER}
    assert len(tokens._verified) == 3


def test_tokens_are_remembered_by_their_hash_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_verified", {})

    verify_token(NODE_TOKEN, SETTINGS)

    assert [len(key) for key in tokens._verified] == [hashlib.sha256().digest_size]
    assert NODE_TOKEN not in repr(tokens._verified)


def test_without_a_secret_nothing_is_signed_or_verified() -> None:
    unset = load_settings({})

    with pytest.raises(ConfigurationError, match="JWT_SECRET"):
        issue_token(USER, unset, NOW)
    with pytest.raises(ConfigurationError, match="JWT_SECRET"):
        verify_token(NODE_TOKEN, unset)


@pytest.mark.parametrize(
    ("header", "credential"),
    [
        (None, None),
        ("", None),
        ("Bearer ", None),
        ("Bearer abc", "abc"),
        ("abc", "abc"),
        ("bearer abc", "bearer abc"),
        ("Session abc", "Session abc"),
        ("Bearer Bearer abc", "Bearer abc"),
    ],
)
def test_a_credential_is_read_as_the_published_clients_send_it(
    header: str | None, credential: str | None
) -> None:
    assert read_bearer(header) == credential


def test_a_lower_case_scheme_is_no_token() -> None:
    credential = read_bearer(f"bearer {NODE_TOKEN}")
    assert credential is not None

    with pytest.raises(InvalidToken):
        verify_token(credential, SETTINGS)
