"""Signing in with Google and GitHub: whose account it is, and what is kept of it."""

import asyncio
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from crafter.users.documents import User
from crafter.users.errors import EmailTaken
from tests.auth.conftest import FRONTEND, Browser, Configured
from tests.factories import PASSWORD, make_user
from tests.fakes.oauth import FakeAuthorizationServer
from tests.fixtures import Cast, client_of

GOOGLE_LINK = {"id": "110169484474386276334", "email": "Alice.Smith@Gmail.com", "verified": True}
GITHUB_LINK = {"id": "583231", "username": "octoalice", "email": "Octo@Example.com"}


async def profile_of(app: FastAPI, token: str) -> dict[str, Any]:
    async with client_of(app, None) as client:
        response = await client.get("/auth/profile", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 200, response.text
    profile: dict[str, Any] = response.json()
    return profile


async def stored(email: str) -> dict[str, Any]:
    raw = await User.collection().find_one({"email": email})
    assert raw is not None
    return raw


async def test_a_newcomer_gets_an_account_under_the_address_that_google_verified(
    app: FastAPI, browser: Browser
) -> None:
    token = (await browser.log_in("google")).token

    profile = await profile_of(app, token)
    user = await stored("alice.smith@gmail.com")
    assert profile["id"] == user["_id"]
    assert (profile["name"], profile["emailVerified"], profile["isOAuthUser"]) == ("Alice Smith", True, True)
    assert (profile["primaryOAuthProvider"], profile["connectedProviders"]) == ("google", ["google"])
    assert user["oauth"] == {"google": GOOGLE_LINK}
    assert user["avatar"] == "https://lh3.googleusercontent.com/a/alice"
    assert "password" not in user
    assert await User.collection().count_documents({}) == 1


async def test_github_gives_the_primary_address_and_the_user_name(app: FastAPI, browser: Browser) -> None:
    token = (await browser.log_in("github")).token

    profile = await profile_of(app, token)
    user = await stored("octo@example.com")
    assert (profile["id"], profile["name"]) == (user["_id"], "octoalice")
    assert profile["connectedProviders"] == ["github"]
    assert user["oauth"] == {"github": GITHUB_LINK}


async def test_whoever_comes_again_has_the_same_account(app: FastAPI, browser: Browser) -> None:
    first = await profile_of(app, (await browser.log_in()).token)

    again = await profile_of(app, (await browser.log_in()).token)

    assert again == first


async def test_an_existing_account_is_linked_and_keeps_what_it_has(
    app: FastAPI, browser: Browser, oauth: FakeAuthorizationServer, as_nobody: httpx2.AsyncClient
) -> None:
    user = await make_user(
        "bob@example.com", oauth={"google": {"verified": False}}, avatar="https://a.test/b"
    )
    oauth.documents["/v1/userinfo"]["email"] = "Bob@Example.com"

    profile = await profile_of(app, (await browser.log_in()).token)

    raw = await stored("bob@example.com")
    assert (profile["id"], profile["name"]) == (user.id, "Bob")
    assert raw["oauth"] == {"google": GOOGLE_LINK | {"email": "Bob@Example.com"}}
    assert (raw["emailVerified"], raw["avatar"], raw["revision"]) == (True, "https://a.test/b", 1)
    login = await as_nobody.post("/auth/login", json={"email": "bob@example.com", "password": PASSWORD})
    assert login.json()["user"]["isOAuthUser"] is True


async def test_an_account_without_a_picture_is_linked_without_one(
    browser: Browser, oauth: FakeAuthorizationServer
) -> None:
    await make_user("alice.smith@gmail.com")
    oauth.documents["/v1/userinfo"]["picture"] = None

    assert (await browser.log_in()).token

    assert "avatar" not in await stored("alice.smith@gmail.com")


@pytest.mark.parametrize("oauth_field", ["absent", None, {}, {"github": GITHUB_LINK}])
async def test_an_account_of_the_node_server_is_linked_however_little_is_stored(
    app: FastAPI, browser: Browser, oauth: FakeAuthorizationServer, oauth_field: Any
) -> None:
    user = await make_user("bob@example.com")
    change: dict[str, Any] = {"$unset": {"oauth": "", "avatar": "", "revision": ""}}
    if oauth_field != "absent":
        del change["$unset"]["oauth"]
        change["$set"] = {"oauth": oauth_field}
    await User.collection().update_one({"_id": user.id}, change)
    oauth.documents["/v1/userinfo"]["email"] = "bob@example.com"

    profile = await profile_of(app, (await browser.log_in()).token)

    raw = await stored("bob@example.com")
    assert profile["id"] == user.id
    assert raw["oauth"]["google"]["id"] == GOOGLE_LINK["id"]
    kept = oauth_field.get("github") if isinstance(oauth_field, dict) else None
    assert raw["oauth"].get("github") == kept
    assert raw["avatar"] == "https://lh3.googleusercontent.com/a/alice"


async def test_only_the_very_address_is_linked_not_one_that_is_delivered_alike(
    app: FastAPI, browser: Browser
) -> None:
    other = await make_user("alicesmith@gmail.com")

    profile = await profile_of(app, (await browser.log_in()).token)

    assert profile["id"] != other.id
    assert (await stored("alicesmith@gmail.com"))["oauth"] == {}


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/v1/userinfo", {"email_verified": False}),
        ("/v1/userinfo", {"email_verified": "true"}),
        ("/v1/userinfo", {"email_verified": None}),
        ("/v1/userinfo", {"email": None}),
        ("/v1/userinfo", {"email": "ｂob@example.com"}),
        ("/v1/userinfo", {"email": "bob@example.com, eve@example.com"}),
        ("/v1/userinfo", {"sub": ""}),
        ("/v1/userinfo", {"sub": 5}),
        ("/api/v3/user/emails", [{"email": "bob@example.com", "primary": True, "verified": False}]),
        ("/api/v3/user/emails", [{"email": "bob@example.com", "primary": False, "verified": True}]),
        ("/api/v3/user/emails", [{"email": "bob@example.com"}]),
        ("/api/v3/user/emails", []),
        ("/api/v3/user/emails", {"message": "Not Found"}),
        ("/api/v3/user", {"id": "583231"}),
    ],
)
async def test_an_address_that_the_provider_does_not_vouch_for_opens_nothing(
    browser: Browser, oauth: FakeAuthorizationServer, path: str, change: Any
) -> None:
    await make_user("bob@example.com")
    oauth.documents["/v1/userinfo"]["email"] = "bob@example.com"
    said = oauth.documents[path]
    oauth.documents[path] = said | change if isinstance(said, dict) and isinstance(change, dict) else change

    ending = await browser.log_in("google" if path == "/v1/userinfo" else "github")

    assert ending.message == "authentication_failed"
    assert (await stored("bob@example.com"))["oauth"] == {}
    assert await User.collection().count_documents({}) == 1


@pytest.mark.parametrize(
    ("said", "name", "avatar"),
    [
        ({"name": "  Alice \n  B.  "}, "Alice B.", "https://lh3.googleusercontent.com/a/alice"),
        ({"name": "x" * 300}, "x" * 100, "https://lh3.googleusercontent.com/a/alice"),
        ({"name": None, "picture": None}, "alice.smith", None),
        ({"name": "", "picture": "javascript:alert(1)"}, "alice.smith", None),
        ({"picture": "data:text/html,x"}, "Alice Smith", None),
        ({"picture": "https://a.test/" + "x" * 3_000}, "Alice Smith", None),
    ],
)
async def test_name_and_picture_are_taken_over_as_far_as_they_can_be_used(
    browser: Browser, oauth: FakeAuthorizationServer, said: dict[str, Any], name: str, avatar: str | None
) -> None:
    oauth.documents["/v1/userinfo"] |= said

    assert (await browser.log_in()).token

    user = await stored("alice.smith@gmail.com")
    assert (user["name"], user.get("avatar")) == (name, avatar)


async def test_closed_registration_lets_only_known_people_in(
    browser: Browser, configured: Configured
) -> None:
    configured.use(DISABLE_SIGNUP="true")

    assert (await browser.log_in()).message == "signup_disabled"
    assert await User.collection().count_documents({}) == 0

    await make_user("alice.smith@gmail.com")
    assert (await browser.log_in()).token


@pytest.mark.parametrize("known", [True, False])
async def test_a_domain_that_is_not_allowed_stays_outside(
    browser: Browser, configured: Configured, known: bool
) -> None:
    configured.use(ALLOWED_EMAIL_DOMAINS="Example.com,example.org")
    if known:
        await make_user("alice.smith@gmail.com")

    assert (await browser.log_in("google")).message == "domain_not_allowed"
    assert (await browser.log_in("github")).token


async def test_two_first_logins_at_once_make_one_account(
    app: FastAPI, browser: Browser, other_browser: Browser
) -> None:
    endings = await asyncio.gather(browser.log_in(), other_browser.log_in())

    profiles = [await profile_of(app, ending.token) for ending in endings]
    assert profiles[0] == profiles[1]
    assert await User.collection().count_documents({}) == 1


async def test_an_account_that_appears_meanwhile_is_linked(
    app: FastAPI, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    async def somebody_is_faster(**_: Any) -> User:
        made.append(await make_user("alice.smith@gmail.com"))
        raise EmailTaken

    monkeypatch.setattr("crafter.users.service.create_linked_user", somebody_is_faster)

    profile = await profile_of(app, (await browser.log_in()).token)

    assert profile["id"] == made[0].id
    assert profile["connectedProviders"] == ["google"]


async def test_a_link_can_be_ended_as_long_as_a_way_in_stays(
    as_member: httpx2.AsyncClient, cast: Cast
) -> None:
    links = {"google": GOOGLE_LINK, "github": GITHUB_LINK}
    await User.collection().update_one(
        {"_id": cast.member.id}, {"$set": {"oauth": links}, "$unset": {"password": ""}}
    )

    first = await as_member.delete("/auth/oauth/google")
    second = await as_member.delete("/auth/oauth/github")

    assert first.status_code == 200
    assert first.json() == {"success": True, "message": "google account unlinked successfully"}
    assert (second.status_code, second.json()["code"]) == (400, "LAST_AUTH_METHOD")
    assert (await as_member.get("/auth/profile")).json()["connectedProviders"] == ["github"]


async def test_of_two_links_that_are_ended_at_once_one_stays(
    as_member: httpx2.AsyncClient, cast: Cast
) -> None:
    links = {"google": GOOGLE_LINK, "github": GITHUB_LINK}
    await User.collection().update_one(
        {"_id": cast.member.id}, {"$set": {"oauth": links}, "$unset": {"password": ""}}
    )

    responses = await asyncio.gather(
        as_member.delete("/auth/oauth/google"), as_member.delete("/auth/oauth/github")
    )

    assert sorted(response.status_code for response in responses) == [200, 400]
    assert len((await as_member.get("/auth/profile")).json()["connectedProviders"]) == 1


@pytest.mark.parametrize("provider", ["google", "github"])
async def test_ending_a_link_that_is_not_there_is_fine(as_member: httpx2.AsyncClient, provider: str) -> None:
    response = await as_member.delete(f"/auth/oauth/{provider}")

    assert (response.status_code, response.json()["success"]) == (200, True)


async def test_the_login_page_learns_who_is_configured(
    as_nobody: httpx2.AsyncClient, configured: Configured
) -> None:
    def providers(answer: httpx2.Response) -> list[dict[str, str]]:
        return list(answer.json()["data"]["providers"])

    both = await as_nobody.get("/auth/oauth/providers")
    configured.use(GOOGLE_CLIENT_ID=None, GOOGLE_CLIENT_SECRET=None)
    one = await as_nobody.get("/auth/oauth/providers")
    configured.use(AUTH_METHODS="emailpassword")
    none = await as_nobody.get("/auth/oauth/providers")

    google = {"name": "google", "displayName": "Google", "authUrl": "/api/v1/auth/google"}
    github = {"name": "github", "displayName": "GitHub", "authUrl": "/api/v1/auth/github"}
    assert (providers(both), providers(one), providers(none)) == ([google, github], [github], [])
    assert both.json()["data"]["authMethods"] == {
        "enabledMethods": ["emailpassword", "oauth"],
        "emailPasswordEnabled": True,
        "oauthEnabled": True,
    }
    assert none.json()["data"]["authMethods"]["oauthEnabled"] is False


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("?error=signup_disabled", "signup_disabled"),
        ("?error=token_generation_failed", "token_generation_failed"),
        ("?error=%3Cscript%3E", "authentication_failed"),
        ("?error=login_failed&error=signup_disabled", "authentication_failed"),
        ("", "authentication_failed"),
    ],
)
async def test_the_failure_page_repeats_only_reasons_that_are_ours(
    browser: Browser, given: str, message: str
) -> None:
    ending = await browser.finish(f"/auth/failure{given}")

    assert ending.url == f"{FRONTEND}/auth/error?message={message}"
