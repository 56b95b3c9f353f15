"""Signing in with a provider, attacked: foreign, repeated and late answers, broken providers, leaks."""

import asyncio
import base64
import hashlib
import json
import logging
from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
import jwt
import pytest
import time_machine
from fastapi import FastAPI

from crafter.auth.oauth.documents import UsedTicket
from crafter.auth.oauth.tickets import new_ticket, seal
from crafter.auth.tokens import issue_token
from crafter.core.config import ConfigurationError, load_settings
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.users.documents import User
from tests.auth.conftest import HERE, Browser, Configured
from tests.factories import make_user
from tests.fakes.oauth import CLIENT_ID, CLIENT_SECRET, Answer, FakeAuthorizationServer
from tests.test_secrets_at_rest import everything, spellings

COOKIE = "crafter-login"


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def with_query(url: str, **changed: str | None) -> str:
    kept = {name: value for name, value in (query_of(url) | changed).items() if value is not None}
    return str(httpx2.URL(url).copy_with(params=kept))


def cookie_of(response: httpx2.Response) -> Morsel[str]:
    [morsel] = SimpleCookie(response.headers["set-cookie"]).values()
    return morsel


async def nobody_came_in() -> bool:
    return await User.collection().count_documents({}) == 0


async def test_the_question_to_the_provider_is_complete_and_its_address_is_the_configured_one(
    browser: Browser, oauth: FakeAuthorizationServer
) -> None:
    response = await browser.client.get(
        f"{HERE}/api/v1/auth/google?redirect_uri=http://evil.test&state=mine", headers={"Host": "evil.test"}
    )

    url = response.headers["location"]
    question = dict(parse_qsl(urlsplit(url).query))
    assert url.startswith(f"{oauth.url}/o/oauth2/v2/auth?")
    assert len(question.pop("state")) >= 43
    assert len(question.pop("code_challenge")) == 43
    assert question == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": f"{HERE}/api/v1/auth/google/callback",
        "scope": "profile email",
        "code_challenge_method": "S256",
    }
    assert response.headers["cache-control"] == "no-store"


async def test_github_is_asked_for_addresses(browser: Browser) -> None:
    url = await browser.start("github")

    assert urlsplit(url).path == "/login/oauth/authorize"
    assert query_of(url)["scope"] == "user:email"
    assert query_of(url)["redirect_uri"] == f"{HERE}/api/v1/auth/github/callback"


async def test_every_login_has_a_state_and_a_verifier_of_its_own(browser: Browser) -> None:
    questions = [query_of(await browser.start()) for _ in range(3)]

    assert len({question["state"] for question in questions}) == 3
    assert len({question["code_challenge"] for question in questions}) == 3


async def test_the_verifier_is_what_the_challenge_was_made_of(
    browser: Browser, oauth: FakeAuthorizationServer
) -> None:
    question = query_of(url := await browser.start())
    await browser.finish(await browser.consent(url))

    [redeemed] = oauth.asked("/token")
    digest = hashlib.sha256(redeemed.form["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == question["code_challenge"]
    assert redeemed.form["redirect_uri"] == question["redirect_uri"]
    assert redeemed.form["client_secret"] == CLIENT_SECRET


@pytest.mark.parametrize("provider", ["google", "github"])
@pytest.mark.parametrize("path", ["/api/v1/api/v1/auth/{}", "/API/V1/Auth/{}/"])
async def test_the_spellings_of_the_web_ui_begin_a_login_too(
    browser: Browser, path: str, provider: str
) -> None:
    response = await browser.visit(HERE + path.format(provider))

    assert response.status_code == 302
    ending = await browser.finish(await browser.consent(response.headers["location"]))
    assert ending.token


@pytest.mark.parametrize(
    ("here", "name", "secure"),
    [(HERE, COOKIE, ""), ("https://crafter.test", "__Host-crafter-login", True)],
)
async def test_the_cookie_is_short_lived_and_for_this_site_alone(
    app: FastAPI, configured: Configured, here: str, name: str, secure: Any
) -> None:
    configured.use(here)
    browser = Browser(app, here)
    async with browser.client:
        response = await browser.visit("/auth/google")
        ending = await browser.finish(await browser.consent(response.headers["location"]))

        kept = cookie_of(response)
        assert (kept.key, kept["path"], kept["domain"]) == (name, "/", "")
        assert (kept["httponly"], kept["secure"], kept["samesite"]) == (True, secure, "lax")
        assert kept["max-age"] == "600"
        assert ending.token
        dropped = cookie_of(ending.response)
        assert (dropped.key, dropped.value, dropped["max-age"], dropped["secure"]) == (name, "", "0", secure)
        assert browser.client.cookies == {}


async def test_an_answer_without_the_browser_that_asked_is_refused(
    browser: Browser, other_browser: Browser, oauth: FakeAuthorizationServer
) -> None:
    callback = await browser.consent(await browser.start())

    assert (await other_browser.finish(callback)).message == "login_failed"
    await other_browser.start()
    assert (await other_browser.finish(callback)).message == "login_failed"

    assert oauth.asked("/token") == []
    assert await nobody_came_in()


async def test_an_answer_comes_once(browser: Browser, oauth: FakeAuthorizationServer) -> None:
    url = await browser.start()
    ticket = browser.client.cookies[COOKIE]
    assert (await browser.finish(await browser.consent(url))).token

    browser.client.cookies.set(COOKIE, ticket, domain="crafter.test")
    fresh_code_for_the_same_state = await browser.consent(url)
    ending = await browser.finish(fresh_code_for_the_same_state)

    assert ending.message == "login_failed"
    assert len(oauth.asked("/token")) == 1


async def test_of_two_answers_at_once_one_counts(browser: Browser, oauth: FakeAuthorizationServer) -> None:
    url = await browser.start()
    callbacks = [await browser.consent(url), await browser.consent(url)]

    endings = await asyncio.gather(*(browser.finish(callback) for callback in callbacks))

    assert sorted("token=" in ending.url for ending in endings) == [False, True]
    assert len(oauth.asked("/token")) == 1


async def test_a_failed_answer_cannot_be_tried_again_either(
    browser: Browser, oauth: FakeAuthorizationServer
) -> None:
    url = await browser.start()
    ticket = browser.client.cookies[COOKIE]
    oauth.consents = False
    refusal = await browser.consent(url)
    assert (await browser.finish(refusal)).message == "login_failed"

    oauth.consents = True
    browser.client.cookies.set(COOKIE, ticket, domain="crafter.test")

    assert (await browser.finish(await browser.consent(url))).message == "login_failed"
    assert await nobody_came_in()


async def test_used_tickets_are_removed_by_the_database_and_do_not_hold_the_state(browser: Browser) -> None:
    state = query_of(url := await browser.start())["state"]
    await browser.finish(await browser.consent(url))

    [used] = await UsedTicket.collection().find({}).to_list()
    [ttl] = UsedTicket.index_models()
    assert used["_id"] == hashlib.sha256(state.encode()).hexdigest()
    assert used["expires_at"] > utc_now()
    assert ttl.document["expireAfterSeconds"] == 0
    assert state not in str(used)


@pytest.mark.parametrize(("seconds", "came_in"), [(590, True), (601, False)])
async def test_a_login_takes_at_most_ten_minutes(browser: Browser, seconds: int, came_in: bool) -> None:
    callback = await browser.consent(await browser.start())
    ticket = browser.client.cookies[COOKIE]

    with time_machine.travel(utc_now().timestamp() + seconds, tick=True):
        browser.client.cookies.set(COOKIE, ticket, domain="crafter.test")
        ending = await browser.finish(callback)

    assert ending.token if came_in else ending.message == "login_failed"


def forged(kind: str, runtime: Runtime, state: str) -> str:
    """A cookie that somebody made up."""
    now, settings = utc_now(), runtime.settings
    claims = {
        "aud": "crafter:oauth-login",
        "provider": "google",
        "state": state,
        "verifier": "v" * 43,
        "exp": now.timestamp() + 300,
    }
    assert settings.jwt_secret is not None
    match kind:
        case "of another provider":
            return seal(new_ticket("github", now), settings)
        case "signed with the key of access tokens":
            return jwt.encode(claims, settings.jwt_secret.get_secret_value(), algorithm="HS256")
        case "not signed":
            return jwt.encode(claims, "", algorithm="none")
        case "an access token":
            return issue_token("somebody", settings, now)
        case "very long":
            return "x" * 5_000
        case _:
            return "nonsense"


@pytest.mark.parametrize(
    "kind",
    [
        "of another provider",
        "signed with the key of access tokens",
        "not signed",
        "an access token",
        "very long",
        "nonsense",
    ],
)
async def test_a_forged_ticket_is_refused(
    browser: Browser, oauth: FakeAuthorizationServer, runtime: Runtime, kind: str
) -> None:
    callback = await browser.consent(await browser.start())
    browser.client.cookies.clear()

    ticket = forged(kind, runtime, query_of(callback)["state"])
    browser.client.cookies.set(COOKIE, ticket, domain="crafter.test")

    assert (await browser.finish(callback)).message == "login_failed"
    assert oauth.asked("/token") == []


async def test_a_ticket_for_one_provider_is_none_for_another(browser: Browser) -> None:
    callback = await browser.consent(await browser.start("google"))

    ending = await browser.finish(callback.replace("/auth/google/", "/auth/github/"))

    assert ending.message == "login_failed"


async def test_a_ticket_is_no_access_token(browser: Browser, as_nobody: httpx2.AsyncClient) -> None:
    await browser.start()
    ticket = browser.client.cookies[COOKIE]

    response = await as_nobody.get("/auth/profile", headers={"Authorization": f"Bearer {ticket}"})

    assert response.status_code == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"state": None},
        {"state": ""},
        {"state": "é"},
        {"state": "x" * 5_000},
        {"code": None},
        {"code": ""},
        {"code": "x" * 5_000},
        {"code": None, "error": "access_denied"},
    ],
)
async def test_half_an_answer_is_none(
    browser: Browser, oauth: FakeAuthorizationServer, changed: dict[str, str | None]
) -> None:
    callback = await browser.consent(await browser.start())

    ending = await browser.finish(with_query(callback, **changed))

    assert ending.message == "login_failed"
    assert oauth.asked("/token") == []


@pytest.mark.parametrize("name", ["state", "code"])
async def test_an_answer_that_says_something_twice_is_refused(browser: Browser, name: str) -> None:
    callback = await browser.consent(await browser.start())

    ending = await browser.finish(f"{callback}&{name}={query_of(callback)[name]}")

    assert ending.message == "login_failed"


async def test_a_code_that_somebody_else_got_is_refused_by_its_challenge(
    browser: Browser, other_browser: Browser
) -> None:
    stolen = query_of(await other_browser.consent(await other_browser.start()))["code"]
    callback = await browser.consent(await browser.start())

    ending = await browser.finish(with_query(callback, code=stolen))

    assert ending.message == "authentication_failed"
    assert await nobody_came_in()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, b"{}"),
        Answer(403, b'{"error": "forbidden"}'),
        Answer(201, b'{"access_token": "t", "token_type": "bearer"}'),
        Answer(302, location="http://127.0.0.1:1/"),
        Answer(200, b"access_token=t&token_type=bearer"),
        Answer(200, b'{"error": "bad_verification_code"}'),
        Answer(200, b'{"access_token": "", "token_type": "bearer"}'),
        Answer(200, b'{"access_token": "a\\r\\nX-Evil: 1", "token_type": "bearer"}'),
        Answer(200, b'{"access_token": 7, "token_type": "bearer"}'),
        Answer(200, b'{"access_token": "t", "token_type": "mac"}'),
        Answer(200, b'{"access_token": "t"}'),
        Answer(200, b'["access_token"]'),
        Answer(200, b"null"),
        Answer(200, b"[" * 100_000),
        Answer(200, json.dumps({"access_token": "x" * 300_000}).encode()),
        Answer(200, b"\xff\xfe"),
        None,
    ],
)
@pytest.mark.parametrize("path", ["/token", "/v1/userinfo"])
async def test_whatever_a_provider_answers_the_browser_learns_only_that_it_failed(
    browser: Browser, oauth: FakeAuthorizationServer, path: str, answer: Answer | None
) -> None:
    oauth.instead[path] = answer

    ending = await browser.log_in()

    assert ending.message == "authentication_failed"
    assert await nobody_came_in()


async def test_a_provider_that_may_not_be_called_is_not(
    browser: Browser, configured: Configured, oauth: FakeAuthorizationServer
) -> None:
    configured.use(CRAFTER_EGRESS_ALLOW=None)

    assert (await browser.log_in()).message == "authentication_failed"
    assert oauth.asked("/token") == []


@pytest.mark.parametrize("path", ["/auth/google", "/auth/google/callback", "/api/v1/auth/google"])
async def test_a_provider_that_is_not_configured_is_not_there(
    browser: Browser, configured: Configured, path: str
) -> None:
    configured.use(GOOGLE_CLIENT_ID=None, GOOGLE_CLIENT_SECRET=None)

    response = await browser.visit(path)

    assert response.status_code == 404
    assert response.json()["code"] == "OAUTH_PROVIDER_NOT_CONFIGURED"
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("path", ["/auth/github", "/auth/github/callback"])
async def test_a_method_that_is_switched_off_says_which_are_on(
    browser: Browser, configured: Configured, path: str
) -> None:
    configured.use(AUTH_METHODS="emailpassword")

    response = await browser.visit(path)

    body = response.json()
    assert response.status_code == 400
    assert (body["error"], body["code"]) == ("OAuth authentication is disabled", "AUTH_METHOD_DISABLED")
    assert body["enabledMethods"] == ["emailpassword"]


async def test_no_secret_of_a_login_is_stored_logged_or_shown(
    browser: Browser,
    oauth: FakeAuthorizationServer,
    runtime: Runtime,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = await browser.start()
    ticket = browser.client.cookies[COOKIE]
    callback = await browser.consent(url)
    with caplog.at_level(logging.DEBUG):
        ending = await browser.finish(callback)
    oauth.instead["/token"] = Answer.of({"error": "invalid_grant", "echo": CLIENT_SECRET}, 400)
    callback_to_a_failure = await browser.consent(await browser.start())
    with caplog.at_level(logging.DEBUG):
        assert (await browser.finish(callback_to_a_failure)).message == "authentication_failed"

    [redeemed, _] = oauth.asked("/token")
    secrets = {
        "state": query_of(url)["state"],
        "verifier": redeemed.form["code_verifier"],
        "code": query_of(callback)["code"],
        "provider's token": next(iter(oauth.tokens)),
        "client secret": CLIENT_SECRET,
        "ticket": ticket,
        "our token": ending.token,
    }
    printed = capsys.readouterr()
    ours = [record for record in caplog.records if HERE not in record.getMessage()]  # not the browser's
    logged = "\n".join([printed.out, printed.err, *(str(vars(record)) for record in ours)])
    dump = await everything(runtime)
    assert [name for name, secret in secrets.items() if secret in logged] == []
    assert [name for name, secret in secrets.items() if any(s in dump for s in spellings(secret))] == []
    shown = url + ending.url + str(ending.response.headers)
    assert [name for name in ("verifier", "client secret") if secrets[name] in shown] == []
    assert "oauth_login_refused" in logged


ENVIRONMENT = {
    "GOOGLE_CLIENT_ID": "id",
    "GOOGLE_CLIENT_SECRET": "secret",
    "GOOGLE_CALLBACK_URL": "https://crafter.test/api/v1/auth/google/callback",
}


@pytest.mark.parametrize("missing", sorted(ENVIRONMENT))
def test_half_a_client_is_a_mistake_that_stops_the_start(missing: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{missing}: is missing"):
        load_settings({name: value for name, value in ENVIRONMENT.items() if name != missing})


def test_an_address_alone_is_no_client() -> None:
    settings = load_settings({"GITHUB_CALLBACK_URL": "http://localhost:3000/api/v1/auth/github/callback"})

    assert settings.github_client_id is None


@pytest.mark.parametrize(
    "address",
    [
        "crafter.test/callback",
        "ftp://crafter.test",
        "https://",
        "https://user@crafter.test",
        "https://crafter.test/#part",
        "https://crafter.test/?a=b",
        "https://crafter .test",
        "https://crafter.test:port",
        "https://crafter.test\t",
        "javascript:alert(1)",
    ],
)
@pytest.mark.parametrize("name", ["FRONTEND_URL", "GOOGLE_CALLBACK_URL", "CRAFTER_GITHUB_URL"])
def test_what_is_not_a_web_address_stops_the_start(name: str, address: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: must be an http or https address"):
        load_settings({name: address})


async def test_people_go_to_the_real_providers_by_default(
    as_nobody: httpx2.AsyncClient, configured: Configured
) -> None:
    await make_user("bob@example.com")
    configured.use(CRAFTER_GOOGLE_URL=None, CRAFTER_GITHUB_URL=None)

    google = await as_nobody.get("/auth/google")
    github = await as_nobody.get("/auth/github")

    assert google.headers["location"].startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    assert github.headers["location"].startswith("https://github.com/login/oauth/authorize?")
