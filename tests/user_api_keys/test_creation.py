"""Making platform keys: what is answered, what is stored, what is refused, and how many there may be."""

import asyncio
import hashlib
import re
from typing import Any

import pytest
from httpx2 import AsyncClient

from crafter.core.runtime import Runtime
from crafter.organizations.documents import Organization
from crafter.projects.documents import Project
from crafter.user_api_keys.documents import KeyScope, UserApiKey
from tests.factories import make_organization
from tests.fixtures import Cast
from tests.user_api_keys.support import UNKNOWN_ID, keys_url, make_key, store_node_key, stored_key

VALID = {"name": "widget", "scopes": ["agents:execute", "agents:chat"]}
LIMIT_REACHED = "Maximum number of API keys reached (10)"


async def test_a_new_key_is_answered_with_its_value(
    as_member: AsyncClient, organization: Organization
) -> None:
    body = {**VALID, "restrictions": {"max_executions_per_day": 1000}}

    response = await as_member.post(keys_url(organization), json=body)

    answer = response.json()
    data = answer["data"]
    assert response.status_code == 201
    assert re.fullmatch("[0-9a-f]{64}", data.pop("api_key"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", data.pop("created_at"))
    assert data.pop("id")
    assert answer == {
        "success": True,
        "data": {
            "name": "widget",
            "scopes": ["agents:execute", "agents:chat"],
            "restrictions": {"max_executions_per_day": 1000, "ip_whitelist": [], "domain_whitelist": []},
            "expires_at": None,
            "allowed_projects": [],
        },
        "message": "API key created successfully. Save this key securely - it won't be shown again.",
    }


async def test_of_a_key_only_its_hash_is_stored(as_member: AsyncClient, cast: Cast) -> None:
    made = await make_key(as_member, cast.organization)

    raw = await stored_key(made["id"])

    assert raw["key_hash"] == hashlib.sha256(made["api_key"].encode()).hexdigest()
    assert made["api_key"] not in str(raw)
    assert (raw["user"], raw["created_by"], raw["organization"]) == (
        cast.member.id,
        cast.member.id,
        cast.organization.id,
    )
    assert raw["usage"].keys() == {"total_requests", "executions_today", "last_reset_date"}


async def test_a_key_may_have_every_scope_and_every_restriction(
    as_member: AsyncClient, organization: Organization, project: Project
) -> None:
    restrictions = {
        "ip_whitelist": ["1.2.3.4"],
        "domain_whitelist": ["a.com"],
        "rate_limit_override": 1000,
        "max_executions_per_day": 1,
    }
    made = await make_key(
        as_member,
        organization,
        name="  padded  ",
        scopes=list(KeyScope),
        restrictions=restrictions,
        expires_at="2030-01-01T01:00:00.000+01:00",
        allowed_projects=[project.id],
    )

    assert made["name"] == "padded"
    assert made["scopes"] == [scope.value for scope in KeyScope]
    assert made["restrictions"] == restrictions
    assert made["expires_at"] == "2030-01-01T00:00:00.000Z"
    assert made["allowed_projects"] == [project.id]


async def test_null_counts_as_not_given(as_member: AsyncClient, organization: Organization) -> None:
    made = await make_key(
        as_member,
        organization,
        expires_at=None,
        allowed_projects=None,
        restrictions={"rate_limit_override": None, "ip_whitelist": None},
    )

    assert made["restrictions"] == {"ip_whitelist": [], "domain_whitelist": []}
    assert made["allowed_projects"] == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": "ab"}, "name"),
        ({"name": "  ab  "}, "name"),
        ({"name": "x" * 51}, "name"),
        ({"name": 5}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "agents:read"}, "scopes"),
        ({"scopes": ["agents:read"] * 8}, "scopes"),
        ({"restrictions": []}, "restrictions"),
        ({"restrictions": {"rate_limit_override": 0}}, "restrictions.rate_limit_override"),
        ({"restrictions": {"rate_limit_override": 1001}}, "restrictions.rate_limit_override"),
        ({"restrictions": {"max_executions_per_day": 0}}, "restrictions.max_executions_per_day"),
        ({"restrictions": {"ip_whitelist": "1.2.3.4"}}, "restrictions.ip_whitelist"),
        ({"restrictions": {"domain_whitelist": ["x" * 254]}}, "restrictions.domain_whitelist[0]"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": 1893456000}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
        ({"allowed_projects": "all"}, "allowed_projects"),
        ({"allowed_projects": [{"$ne": None}]}, "allowed_projects[0]"),
    ],
)
async def test_a_field_that_is_wrong_is_named(
    as_member: AsyncClient, organization: Organization, change: dict[str, Any], path: str
) -> None:
    response = await as_member.post(keys_url(organization), json={**VALID, **change})

    assert response.status_code == 400
    assert [error["path"] for error in response.json()["errors"]] == [path]


async def test_unknown_scopes_are_named(as_member: AsyncClient, organization: Organization) -> None:
    body = {"name": "widget", "scopes": ["agents:read", "foo", "bar"]}

    response = await as_member.post(keys_url(organization), json=body)

    assert response.status_code == 400
    assert [error["msg"] for error in response.json()["errors"]] == ["Invalid scopes: foo, bar"]


async def test_a_key_that_has_expired_already_is_refused(
    as_member: AsyncClient, organization: Organization
) -> None:
    response = await as_member.post(keys_url(organization), json={**VALID, "expires_at": "2020-01-01"})

    assert response.status_code == 400
    assert response.json()["error"] == "Expiration date must be in the future"


async def test_projects_of_others_and_unknown_projects_are_refused_alike(
    as_member: AsyncClient, cast: Cast
) -> None:
    answers = [
        await as_member.post(
            keys_url(cast.organization), json={**VALID, "allowed_projects": [cast.project.id, foreign]}
        )
        for foreign in (cast.other_project.id, UNKNOWN_ID)
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert {answer.json()["error"] for answer in answers} == {"Some projects not found in this organization"}


async def test_the_eleventh_key_is_refused_until_one_is_revoked(
    as_member: AsyncClient, organization: Organization
) -> None:
    made = [await make_key(as_member, organization) for _ in range(10)]

    refused = await as_member.post(keys_url(organization), json=VALID)
    await as_member.delete(f"{keys_url(organization)}/{made[3]['id']}")
    again = await as_member.post(keys_url(organization), json=VALID)
    refused_again = await as_member.post(keys_url(organization), json=VALID)

    assert refused.status_code == 400
    assert refused.json()["error"] == LIMIT_REACHED
    assert refused.json()["code"] == "MAX_API_KEYS_EXCEEDED"
    assert again.status_code == 201
    assert refused_again.status_code == 400


@pytest.mark.parametrize("already", [0, 4, 9])
async def test_parallel_requests_do_not_get_past_the_limit(
    as_member: AsyncClient, cast: Cast, already: int
) -> None:
    """Some keys are of the Node server, and one slot is far up: neither leaves more room than there is."""
    for _ in range(already // 2):
        await store_node_key(cast.member, cast.organization)
    for slot in range(already - already // 2):
        await store_node_key(cast.member, cast.organization, slot=slot + 100)

    answers = await asyncio.gather(
        *(as_member.post(keys_url(cast.organization), json=VALID) for _ in range(20))
    )

    active = await UserApiKey.across_tenants().count_documents({"is_active": True})
    assert sorted(answer.status_code for answer in answers) == [201] * (10 - already) + [400] * (10 + already)
    assert active == 10


async def test_the_limit_is_per_person_and_organization(
    as_member: AsyncClient, as_admin: AsyncClient, cast: Cast
) -> None:
    second = await make_organization(cast.member, name="Second")
    for _ in range(10):
        await make_key(as_member, cast.organization)

    await make_key(as_admin, cast.organization)
    await make_key(as_member, second)

    assert await UserApiKey.across_tenants().count_documents({}) == 12


async def test_the_limit_is_a_setting(
    as_member: AsyncClient, organization: Organization, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime.settings, "max_api_keys_per_user", 1)
    await make_key(as_member, organization)

    response = await as_member.post(keys_url(organization), json=VALID)

    assert response.json()["error"] == "Maximum number of API keys reached (1)"
