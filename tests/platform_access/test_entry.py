"""What a platform key must pass before it gets in: the contract's checks, their order, their bodies."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.core.security import new_key
from crafter.core.time import utc_now
from crafter.organizations.documents import Organization
from crafter.organizations.permissions import SCOPE_GRANTS
from crafter.projects.documents import Project
from crafter.user_api_keys.documents import KeyScope, UserApiKey
from tests.factories import make_project
from tests.fixtures import BASE_URL, Cast
from tests.programs import ALL_SCOPES, change_key, make_platform_key, program, stored_key
from tests.world import snapshot

USAGE = "/external/usage/api-key"
TEXTS = {
    "API_KEY_REQUIRED": "API key required",
    "INVALID_API_KEY": "Invalid API key",
    "API_KEY_EXPIRED": "API key expired",
    "ORGANIZATION_ACCESS_DENIED": "Access denied to this organization",
    "PROJECT_ACCESS_DENIED": "Access denied to this project",
}


async def refused(
    client: httpx2.AsyncClient, runtime: Runtime, url: str = USAGE, **request: Any
) -> tuple[int, str, str]:
    """How a call is refused: status, code and sentence; it has changed nothing."""
    before = await snapshot(runtime)
    response = await client.get(url, **request)
    body = response.json()
    assert await snapshot(runtime) == before
    assert body["error"] == TEXTS.get(body["code"], body["error"])
    return response.status_code, body["code"], body["error"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "API_KEY_REQUIRED"),
        ({"X-API-Key": ""}, "API_KEY_REQUIRED"),
        ({"Authorization": "Bearer "}, "API_KEY_REQUIRED"),
        ({"Authorization": "Session " + "a" * 64}, "API_KEY_REQUIRED"),
        ({"X-Session-Token": "a" * 64}, "API_KEY_REQUIRED"),
        ({"X-API-Key": "a" * 64}, "INVALID_API_KEY"),
        ({"Authorization": "Bearer " + "a" * 64}, "INVALID_API_KEY"),
        ({"X-API-Key": "A" * 64}, "INVALID_API_KEY"),
        ({"X-API-Key": "a" * 63}, "INVALID_API_KEY"),
        ({"X-API-Key": "a" * 65}, "INVALID_API_KEY"),
        ({"X-API-Key": "a" * 64 + "\t,"}, "INVALID_API_KEY"),
        ({"X-API-Key": "' OR '1'='1"}, "INVALID_API_KEY"),
        ({"Authorization": "Bearer ' OR '1'='1"}, "INVALID_API_KEY"),
        ({"X-API-Key": '{"$ne": null}'}, "INVALID_API_KEY"),
        ({"X-API-Key": "null"}, "INVALID_API_KEY"),
        ({"X-API-Key": "[]"}, "INVALID_API_KEY"),
        ({"X-API-Key": b"\xff\xfe\xe4"}, "INVALID_API_KEY"),
        ({"X-API-Key": b"a" * 63 + b"\x00"}, "INVALID_API_KEY"),
        ({"X-API-Key": "a" * 1_000_000}, "INVALID_API_KEY"),
        ({"Authorization": "Bearer " + "a" * 1_000_000}, "INVALID_API_KEY"),
    ],
)
async def test_what_is_no_key_is_refused(
    as_nobody: httpx2.AsyncClient, runtime: Runtime, headers: dict[str, Any], code: str
) -> None:
    answered = await refused(as_nobody, runtime, headers=headers)

    assert answered == (401, code, TEXTS[code])


@pytest.mark.parametrize("way", ["X-API-Key", "Authorization"])
async def test_a_key_is_refused_that_comes_twice(
    app: FastAPI, issued: tuple[str, UserApiKey], runtime: Runtime, way: str
) -> None:
    value = issued[0] if way == "X-API-Key" else f"Bearer {issued[0]}"
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        answered = await refused(client, runtime, headers=[(way, value), (way, value)])

    assert answered[:2] == (401, "INVALID_API_KEY")


@pytest.mark.parametrize("value", ["x" * 64, "a" * 63, "A" * 64, "eyJh.eyJ1.c2ln"])
async def test_what_cannot_be_a_key_is_not_looked_up(
    as_nobody: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr("crafter.user_api_keys.service.find_active_by_value", never)

    response = await as_nobody.get(USAGE, headers={"X-API-Key": value})

    assert response.status_code == 401


@pytest.mark.parametrize("headers", [{"X-API-Key": "{}"}, {"Authorization": "Bearer {}"}])
async def test_a_key_gets_in_however_it_is_sent(
    as_nobody: httpx2.AsyncClient, issued: tuple[str, UserApiKey], headers: dict[str, str]
) -> None:
    sent = {name: form.format(issued[0]) for name, form in headers.items()}

    response = await as_nobody.get(USAGE, headers=sent)

    assert response.status_code == 200
    assert response.json()["data"]["api_key_id"] == issued[1].id


async def test_the_header_of_its_own_wins_over_bearer(
    as_nobody: httpx2.AsyncClient, issued: tuple[str, UserApiKey]
) -> None:
    other = "Bearer " + new_key()

    good = await as_nobody.get(USAGE, headers={"X-API-Key": issued[0], "Authorization": other})
    bad = await as_nobody.get(USAGE, headers={"X-API-Key": new_key(), "Authorization": f"Bearer {issued[0]}"})

    assert (good.status_code, bad.status_code) == (200, 401)


async def test_a_key_in_the_address_or_in_a_cookie_does_not_count(
    as_nobody: httpx2.AsyncClient, issued: tuple[str, UserApiKey], runtime: Runtime
) -> None:
    for name in ("api_key", "apiKey", "x-api-key", "token", "key"):
        answered = await refused(as_nobody, runtime, f"{USAGE}?{name}={issued[0]}")
        assert answered[:2] == (401, "API_KEY_REQUIRED")
    cookie = await refused(as_nobody, runtime, headers={"Cookie": f"x-api-key={issued[0]}"})
    assert cookie[:2] == (401, "API_KEY_REQUIRED")


async def test_a_persons_token_is_no_key_and_a_key_no_persons_token(
    as_admin: httpx2.AsyncClient, as_program: httpx2.AsyncClient, issued: tuple[str, UserApiKey], cast: Cast
) -> None:
    bearer = {"Authorization": f"Bearer {issued[0]}"}

    assert (await as_admin.get(USAGE)).json()["code"] == "INVALID_API_KEY"
    for headers, code in (({}, "AUTHENTICATION_REQUIRED"), (bearer, "INVALID_TOKEN")):
        response = await as_program.get(f"/organizations/{cast.organization.id}", headers=headers)
        assert (response.status_code, response.json()["code"]) == (401, code)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"is_active": False}, "INVALID_API_KEY"),
        ({"key_hash": "0" * 64}, "INVALID_API_KEY"),
        ({"expires_at": utc_now() - timedelta(seconds=1)}, "API_KEY_EXPIRED"),
        ({"is_active": False, "expires_at": utc_now() - timedelta(days=1)}, "INVALID_API_KEY"),
        ({"user": "nobody"}, "INVALID_API_KEY"),
        ({"organization": "nowhere"}, "INVALID_API_KEY"),
    ],
)
async def test_a_dead_key_is_refused(
    as_program: httpx2.AsyncClient, key: UserApiKey, runtime: Runtime, fields: dict[str, Any], code: str
) -> None:
    await runtime.database.db["userapikeys"].update_one({"_id": key.id}, {"$set": fields})

    assert await refused(as_program, runtime) == (401, code, TEXTS[code])


async def test_a_key_dies_with_the_membership_of_the_person_it_acts_for(
    as_program: httpx2.AsyncClient,
    as_admin: httpx2.AsyncClient,
    cast: Cast,
    key: UserApiKey,
    runtime: Runtime,
) -> None:
    seat = {"$pull": {"members": {"user": cast.member.id}}}
    await Organization.collection().update_one({"_id": cast.organization.id}, seat)

    assert (await stored_key(key))["is_active"]
    assert (await refused(as_program, runtime))[:2] == (401, "INVALID_API_KEY")


async def test_a_revoked_and_a_rotated_key_is_refused_at_once(
    as_program: httpx2.AsyncClient,
    as_member: httpx2.AsyncClient,
    cast: Cast,
    key: UserApiKey,
    runtime: Runtime,
) -> None:
    keys = f"/organizations/{cast.organization.id}/user-api-keys/{key.id}"

    rotated = (await as_member.post(f"{keys}/rotate")).json()["data"]["api_key"]

    assert (await refused(as_program, runtime))[:2] == (401, "INVALID_API_KEY")
    assert (await as_program.get(USAGE, headers={"X-API-Key": rotated})).status_code == 200
    await as_member.delete(keys)
    assert (await refused(as_program, runtime, headers={"X-API-Key": rotated}))[:2] == (
        401,
        "INVALID_API_KEY",
    )


async def test_a_scope_that_is_missing_is_named(app: FastAPI, cast: Cast, runtime: Runtime) -> None:
    value, _ = await make_platform_key(cast.member, cast.organization, scopes=["agents:chat", "agents:read"])
    before = await snapshot(runtime)
    async with program(app, x_api_key=value) as client:
        response = await client.get(USAGE)

    body = response.json()
    assert (response.status_code, body["code"], body["error"]) == (
        403,
        "INSUFFICIENT_PERMISSIONS",
        "Insufficient permissions",
    )
    assert body["required_scopes"] == ["statistics:read"]
    assert body["available_scopes"] == ["agents:chat", "agents:read"]
    assert await snapshot(runtime) == before


def test_every_scope_grants_something_and_only_scopes_that_exist_do() -> None:
    assert set(SCOPE_GRANTS) <= {scope.value for scope in KeyScope}
    assert all(SCOPE_GRANTS.values())
    assert set(ALL_SCOPES) == {scope.value for scope in KeyScope}


@pytest.mark.parametrize(
    ("whitelist", "gets_in"),
    [
        ([], True),
        (["127.0.0.1"], True),
        (["10.0.0.1", " 127.0.0.1 "], True),
        (["::ffff:127.0.0.1"], False),
        (["127.0.0.2"], False),
        (["127.0.0.0/8"], False),
        (["localhost"], False),
    ],
)
async def test_a_key_may_be_limited_to_addresses(
    as_program: httpx2.AsyncClient, key: UserApiKey, runtime: Runtime, whitelist: list[str], gets_in: bool
) -> None:
    await change_key(key, **{"restrictions.ip_whitelist": whitelist})

    if gets_in:
        assert (await as_program.get(USAGE)).status_code == 200
    else:
        answered = await refused(as_program, runtime, headers={"X-Forwarded-For": "127.0.0.2"})
        assert answered == (403, "ACCESS_RESTRICTED", "IP address not allowed")


@pytest.mark.parametrize(
    ("headers", "gets_in"),
    [
        ({}, True),
        ({"Origin": "https://shop.example.com"}, True),
        ({"Origin": "http://SHOP.example.com:8080"}, True),
        ({"Referer": "https://shop.example.com/cart?x=1"}, True),
        ({"Origin": "https://shop.example.com", "Referer": "https://evil.example/"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "https://evil.example", "Referer": "https://shop.example.com/"}, False),
        ({"Origin": "https://shop.example.com.evil.example"}, False),
        ({"Origin": "https://shop.example.com@evil.example"}, False),
        ({"Origin": "https://example.com"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "shop.example.com"}, False),
        ({"Origin": "https://["}, False),
        ({"Referer": "https://evil.example/?shop.example.com"}, False),
    ],
)
async def test_a_key_may_be_limited_to_the_pages_of_some_domains(
    as_program: httpx2.AsyncClient, key: UserApiKey, runtime: Runtime, headers: dict[str, str], gets_in: bool
) -> None:
    await change_key(key, **{"restrictions.domain_whitelist": ["Shop.example.com", "other.example"]})

    if gets_in:
        assert (await as_program.get(USAGE, headers=headers)).status_code == 200
    else:
        answered = await refused(as_program, runtime, headers=headers)
        assert answered == (403, "ACCESS_RESTRICTED", "Domain not allowed")


async def test_the_organization_of_the_path_must_be_the_keys(
    as_program: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    for organization in (cast.other_organization.id, new_id()):
        url = f"/external/organizations/{organization}/projects"
        answered = await refused(as_program, runtime, url)
        assert answered[:2] == (403, "ORGANIZATION_ACCESS_DENIED")


async def test_the_project_of_the_path_must_be_one_of_the_organization_and_of_the_key(
    as_program: httpx2.AsyncClient, cast: Cast, key: UserApiKey, runtime: Runtime
) -> None:
    second = await make_project(cast.organization, "Second")
    await change_key(key, allowed_projects=[second.id, cast.other_project.id])

    def url(project: Project | str) -> str:
        project_id = project if isinstance(project, str) else project.id
        return f"/external/organizations/{cast.organization.id}/projects/{project_id}"

    assert (await as_program.get(url(second))).status_code == 200
    for project in (cast.project, cast.other_project, new_id()):
        assert (await refused(as_program, runtime, url(project)))[:2] == (403, "PROJECT_ACCESS_DENIED")
    await change_key(key, allowed_projects=[])
    for project in (cast.other_project, new_id()):
        assert (await refused(as_program, runtime, url(project)))[:2] == (403, "PROJECT_ACCESS_DENIED")


async def test_the_checks_have_the_contracts_order(
    as_program: httpx2.AsyncClient, key: UserApiKey, cast: Cast, runtime: Runtime
) -> None:
    url = f"/external/organizations/{cast.other_organization.id}/projects/{cast.other_project.id}"
    passed_one_by_one: list[tuple[str, dict[str, Any]]] = [
        ("INVALID_API_KEY", {"is_active": True}),
        ("API_KEY_EXPIRED", {"expires_at": None}),
        ("INSUFFICIENT_PERMISSIONS", {"scopes": ["projects:read"]}),
        ("IP address not allowed", {"restrictions.ip_whitelist": []}),
        ("Domain not allowed", {"restrictions.domain_whitelist": []}),
        ("ORGANIZATION_ACCESS_DENIED", {}),
    ]
    await change_key(
        key,
        is_active=False,
        expires_at=utc_now() - timedelta(days=1),
        scopes=["agents:chat"],
        restrictions={"ip_whitelist": ["10.0.0.1"], "domain_whitelist": ["a.example"]},
    )

    for reason, mended in passed_one_by_one:
        answered = await refused(as_program, runtime, url, headers={"Origin": "https://b.example"})
        assert reason in answered
        if mended:
            await change_key(key, **mended)
