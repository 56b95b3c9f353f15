"""Registration, login and one's own profile, through HTTP."""

import asyncio
import re

import httpx2
import pytest

from crafter.core.runtime import Runtime
from crafter.users.documents import User
from tests.factories import PASSWORD, make_user
from tests.fixtures import Cast

NEW = {"email": "alice@example.com", "password": PASSWORD, "name": "Alice Smith"}


async def test_a_new_account_is_signed_in_and_stored_with_bcrypt(as_nobody: httpx2.AsyncClient) -> None:
    response = await as_nobody.post("/auth/register", json={**NEW, "email": " Alice.Smith+tag@Gmail.com "})

    body = response.json()
    assert response.status_code == 201
    assert set(body) == {"token", "user", "passwordStrength", "warnings"}
    assert body["passwordStrength"] == "very-strong"
    user = body["user"]
    assert {k: v for k, v in user.items() if k != "id"} == {
        "email": "alicesmith@gmail.com",
        "name": "Alice Smith",
        "emailVerified": False,
        "isOAuthUser": False,
    }
    stored = await User.collection().find_one({"_id": user["id"]})
    assert stored is not None
    assert re.fullmatch(r"\$2a\$12\$.{53}", stored["password"])
    assert PASSWORD not in response.text
    profile = await as_nobody.get("/auth/profile", headers={"Authorization": f"Bearer {body['token']}"})
    assert profile.json()["id"] == user["id"]


async def test_fifty_registrations_of_one_address_make_one_account(as_nobody: httpx2.AsyncClient) -> None:
    spellings = ["A@x.io", " a@X.IO ", "a@x.io", "ａ@x.io"]

    responses = await asyncio.gather(
        *(as_nobody.post("/auth/register", json={**NEW, "email": spellings[n % 4]}) for n in range(50))
    )

    assert sorted(r.status_code for r in responses) == [201] + [400] * 49
    refused = {r.json()["code"] for r in responses if r.status_code == 400}
    assert refused == {"EMAIL_TAKEN"}
    assert await User.collection().count_documents({}) == 1


@pytest.mark.parametrize(
    ("change", "path", "text"),
    [
        ({"name": None}, "name", "Invalid value"),
        ({"name": "   "}, "name", "Invalid value"),
        ({"name": "x" * 101}, "name", "Invalid value"),
        ({"email": "nonsense"}, "email", ""),
        ({"email": "vıctim@example.com"}, "email", ""),
        ({"email": ["a@example.com"]}, "email", "Invalid value"),
        ({"password": {"$ne": None}}, "password", "Password is required and must be a string"),
        ({"password": "short"}, "password", "Password must be at least 12 characters long"),
        ({"password": "Aa1!" + "ü" * 40}, "password", "72"),
    ],
)
async def test_a_field_that_is_wrong_is_named(
    as_nobody: httpx2.AsyncClient, change: dict[str, object], path: str, text: str
) -> None:
    response = await as_nobody.post("/auth/register", json=NEW | change)

    body = response.json()
    assert response.status_code == 400
    assert [entry["path"] for entry in body["errors"]] == [path]
    assert text in body["errors"][0]["msg"]
    assert body["errors"][0]["pointer"] == f"/{path}"
    assert body["errors"][0]["msg"] in body["error"]
    assert await User.collection().count_documents({}) == 0


async def test_all_wrong_fields_are_named_at_once(as_nobody: httpx2.AsyncClient) -> None:
    response = await as_nobody.post("/auth/register", headers={"Content-Type": "application/json"})

    assert response.status_code == 400
    assert {entry["path"] for entry in response.json()["errors"]} == {"email", "password", "name"}


async def test_login_with_a_password_that_the_node_server_stored(as_nobody: httpx2.AsyncClient) -> None:
    user = await make_user("bob@example.com")

    response = await as_nobody.post("/auth/login", json={"email": "Bob@Example.com", "password": PASSWORD})

    assert response.status_code == 200
    assert set(response.json()) == {"token", "user"}
    assert response.json()["user"]["id"] == user.id


@pytest.mark.parametrize("email", ["bob@example.com", "nobody@example.com", "oauth@example.com"])
async def test_a_wrong_password_and_an_unknown_address_look_the_same(
    as_nobody: httpx2.AsyncClient, email: str
) -> None:
    await make_user("bob@example.com")
    oauth = await make_user("oauth@example.com", oauth={"google": {"id": "1"}})
    await User.collection().update_one({"_id": oauth.id}, {"$unset": {"password": ""}})

    response = await as_nobody.post("/auth/login", json={"email": email, "password": "Wrong$Ocean77Waves"})

    assert response.status_code == 401
    assert response.json()["error"] == "Invalid credentials"
    assert response.json()["code"] == "INVALID_CREDENTIALS"


@pytest.mark.parametrize("password", [{"$ne": None}, {"$gt": ""}, ["a"], 5, None, ""])
async def test_a_password_that_is_no_text_never_logs_in(
    as_nobody: httpx2.AsyncClient, password: object
) -> None:
    await make_user("bob@example.com")

    response = await as_nobody.post("/auth/login", json={"email": "bob@example.com", "password": password})

    assert response.status_code == 400


async def test_the_profile_shows_what_the_web_ui_reads(as_member: httpx2.AsyncClient, cast: Cast) -> None:
    response = await as_member.get("/auth/profile")

    assert response.json() == {
        "id": cast.member.id,
        "email": "member@example.com",
        "name": "Member",
        "emailVerified": False,
        "isOAuthUser": False,
        "primaryOAuthProvider": None,
        "connectedProviders": [],
        "security": {"shouldUpdatePassword": True, "passwordStrength": "weak"},
    }


async def test_a_profile_form_with_a_blank_password_changes_only_the_name(
    as_member: httpx2.AsyncClient, as_nobody: httpx2.AsyncClient, cast: Cast
) -> None:
    form = {"firstName": "New", "lastName": "Name", "name": "New Name", "password": ""}

    response = await as_member.put("/auth/profile", json=form)

    assert response.status_code == 200
    assert set(response.json()) == {"id", "email", "name", "security"}
    assert response.json()["name"] == "New Name"
    login = await as_nobody.post("/auth/login", json={"email": cast.member.email, "password": PASSWORD})
    assert login.status_code == 200


async def test_a_new_password_replaces_the_old_one(
    as_member: httpx2.AsyncClient, as_nobody: httpx2.AsyncClient, cast: Cast
) -> None:
    fresh = "Green$River42Stones"

    response = await as_member.put("/auth/profile", json={"password": fresh})

    assert response.json()["security"]["passwordStrength"] == "very-strong"
    old = await as_nobody.post("/auth/login", json={"email": cast.member.email, "password": PASSWORD})
    new = await as_nobody.post("/auth/login", json={"email": cast.member.email, "password": fresh})
    assert (old.status_code, new.status_code) == (401, 200)


async def test_the_token_of_a_deleted_account_is_refused_at_once(
    as_member: httpx2.AsyncClient, cast: Cast
) -> None:
    await User.collection().delete_one({"_id": cast.member.id})

    response = await as_member.get("/auth/profile")

    assert response.status_code == 401
    assert response.json()["error"] == "User not found"


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ([], "Authentication required"),
        ([("Authorization", "Bearer nonsense")], "Invalid token"),
        ([("Authorization", "Bearer x"), ("Authorization", "Bearer y")], "Invalid token"),
        ([("Authorization", "bearer x")], "Invalid token"),
    ],
)
async def test_credentials_that_are_missing_or_wrong(
    as_nobody: httpx2.AsyncClient, headers: list[tuple[str, str]], error: str
) -> None:
    response = await as_nobody.get("/auth/profile", headers=headers)

    assert response.status_code == 401
    assert response.json()["error"] == error


async def test_policy_and_sign_in_methods_are_public(as_nobody: httpx2.AsyncClient, runtime: Runtime) -> None:
    policy = (await as_nobody.get("/auth/password-policy")).json()
    methods = (await as_nobody.get("/auth/oauth/providers")).json()

    assert len(policy["data"]["requirements"]) >= 7
    assert methods["data"]["authMethods"]["emailPasswordEnabled"] is True
    assert methods["data"]["providers"] == []
