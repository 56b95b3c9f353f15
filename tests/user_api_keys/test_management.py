"""Reading, changing, rotating and revoking one's platform keys."""

from datetime import UTC, datetime, timedelta

import pytest
from httpx2 import AsyncClient

from crafter.core.security import hash_key
from crafter.core.time import utc_now, wire_time
from crafter.organizations.documents import Organization
from crafter.projects.documents import Project
from crafter.projects.service import delete_project
from tests.fixtures import Cast
from tests.user_api_keys.support import (
    change_stored,
    forget_stored,
    keys_url,
    make_key,
    store_node_key,
    stored_key,
)

EARLIER = datetime(2026, 1, 31, 9, 15, 0, 123000, tzinfo=UTC)


async def test_a_key_of_the_node_server_is_listed_as_it_lists_it(as_member: AsyncClient, cast: Cast) -> None:
    expires_at = datetime(2030, 1, 1, tzinfo=UTC)
    usage = {"total_requests": 7, "executions_today": 0, "last_reset_date": EARLIER, "last_used_at": EARLIER}
    raw = await store_node_key(
        cast.member, cast.organization, expires_at=expires_at, usage=usage, allowed_projects=[cast.project.id]
    )

    response = await as_member.get(keys_url(cast.organization))

    moment = "2026-01-31T09:15:00.123Z"
    assert response.json() == {
        "success": True,
        "data": [
            {
                "_id": raw["_id"],
                "id": raw["_id"],
                "name": "limited",
                "user": cast.member.id,
                "organization": cast.organization.id,
                "scopes": ["agents:read"],
                "restrictions": {"ip_whitelist": ["1.2.3.4"], "domain_whitelist": ["a.com"]},
                "usage": {
                    "total_requests": 7,
                    "executions_today": 0,
                    "last_reset_date": moment,
                    "last_used_at": moment,
                },
                "expires_at": "2030-01-01T00:00:00.000Z",
                "is_active": True,
                "created_by": cast.member.id,
                "allowed_projects": [{"_id": cast.project.id, "name": "Support", "id": cast.project.id}],
                "createdAt": moment,
                "created_at": moment,
                "updatedAt": moment,
                "__v": 0,
                "is_expired": False,
                "masked_key": f"ak_{'*' * 32}{raw['_id'][-8:]}",
            }
        ],
    }


async def test_the_newest_keys_come_first_and_revoked_ones_stay(as_member: AsyncClient, cast: Cast) -> None:
    old = await store_node_key(cast.member, cast.organization, name="old")
    first = await make_key(as_member, cast.organization, name="first")
    second = await make_key(as_member, cast.organization, name="second")
    await as_member.delete(f"{keys_url(cast.organization)}/{first['id']}")

    response = await as_member.get(keys_url(cast.organization))

    assert [(key["_id"], key["is_active"]) for key in response.json()["data"]] == [
        (second["id"], True),
        (first["id"], False),
        (old["_id"], True),
    ]


async def test_one_key_looks_as_in_the_list_and_never_shows_its_value(
    as_member: AsyncClient, organization: Organization
) -> None:
    made = await make_key(as_member, organization)

    one = await as_member.get(f"{keys_url(organization)}/{made['id']}")
    listed = await as_member.get(keys_url(organization))

    assert one.json() == {"success": True, "data": listed.json()["data"][0]}
    assert one.headers["etag"] == '"0"'
    assert "key_hash" not in one.text
    assert made["api_key"] not in one.text + listed.text


@pytest.mark.parametrize(
    ("expires_in", "is_expired"), [(None, None), (timedelta(days=1), False), (timedelta(seconds=-1), True)]
)
async def test_a_key_says_whether_it_is_expired(
    as_member: AsyncClient, cast: Cast, expires_in: timedelta | None, is_expired: bool | None
) -> None:
    expires_at = None if expires_in is None else utc_now() + expires_in
    raw = await store_node_key(cast.member, cast.organization, expires_at=expires_at)

    response = await as_member.get(f"{keys_url(cast.organization)}/{raw['_id']}")

    assert response.json()["data"]["is_expired"] is is_expired


async def test_a_key_written_before_fields_were_added_is_readable(as_member: AsyncClient, cast: Cast) -> None:
    raw = await store_node_key(cast.member, cast.organization)
    await forget_stored(raw["_id"], "usage", "restrictions", "allowed_projects", "expires_at")

    response = await as_member.get(f"{keys_url(cast.organization)}/{raw['_id']}")

    data = response.json()["data"]
    assert response.status_code == 200
    assert data["restrictions"] == {"ip_whitelist": [], "domain_whitelist": []}
    assert data["usage"]["total_requests"] == 0


async def test_a_deleted_project_is_not_named_and_still_limits_the_key(
    as_member: AsyncClient, organization: Organization, project: Project
) -> None:
    made = await make_key(as_member, organization, allowed_projects=[project.id])
    await delete_project(project, None)

    response = await as_member.get(f"{keys_url(organization)}/{made['id']}")

    assert response.json()["data"]["allowed_projects"] == []
    assert (await stored_key(made["id"]))["allowed_projects"] == [project.id]


async def test_a_change_leaves_absent_fields_and_replaces_restrictions(
    as_member: AsyncClient, organization: Organization, project: Project
) -> None:
    made = await make_key(
        as_member,
        organization,
        restrictions={"ip_whitelist": ["1.2.3.4"], "max_executions_per_day": 5},
        allowed_projects=[project.id],
    )
    changes = {"name": " renamed ", "restrictions": {"domain_whitelist": ["a.com"]}, "scopes": None}

    response = await as_member.put(f"{keys_url(organization)}/{made['id']}", json=changes)

    data = response.json()["data"]
    assert response.status_code == 200
    assert response.json()["message"] == "API key updated successfully"
    assert response.headers["etag"] == '"1"'
    assert data["name"] == "renamed"
    assert data["scopes"] == ["agents:chat"]
    assert data["restrictions"] == {"ip_whitelist": [], "domain_whitelist": ["a.com"]}
    assert data["allowed_projects"] == [project.id]
    assert (await stored_key(made["id"]))["key_hash"] == hash_key(made["api_key"])


async def test_an_expiry_can_be_set_and_removed(as_member: AsyncClient, organization: Organization) -> None:
    made = await make_key(as_member, organization)
    url = f"{keys_url(organization)}/{made['id']}"

    given = await as_member.put(url, json={"expires_at": "2030-01-31"})
    removed = await as_member.put(url, json={"expires_at": None})

    assert given.json()["data"]["expires_at"] == "2030-01-31T00:00:00.000Z"
    assert removed.json()["data"]["expires_at"] is None
    assert (await stored_key(made["id"]))["expires_at"] is None


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"expires_at": "2020-01-01T00:00:00.000Z"}, "Expiration date must be in the future"),
        ({"allowed_projects": ["elsewhere"]}, "Some projects not found in this organization"),
    ],
)
async def test_a_change_keeps_the_rules_of_a_new_key(
    as_member: AsyncClient, organization: Organization, changes: dict[str, object], error: str
) -> None:
    made = await make_key(as_member, organization)

    response = await as_member.put(f"{keys_url(organization)}/{made['id']}", json=changes)

    assert response.status_code == 400
    assert response.json()["error"] == error
    assert (await stored_key(made["id"]))["revision"] == 0


async def test_a_change_cannot_reach_what_the_server_decides(
    as_member: AsyncClient, organization: Organization
) -> None:
    made = await make_key(as_member, organization)
    smuggled = {
        "user": "u",
        "organization": "o",
        "key_hash": "0" * 64,
        "is_active": False,
        "slot": 99,
        "_id": "x",
    }

    response = await as_member.put(
        f"{keys_url(organization)}/{made['id']}", json={"name": "same", **smuggled}
    )

    raw = await stored_key(made["id"])
    assert response.status_code == 200
    assert raw["is_active"] is True
    assert raw["slot"] == 0
    assert raw["key_hash"] == hash_key(made["api_key"])


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_stale_change_is_refused(
    as_member: AsyncClient, organization: Organization, method: str
) -> None:
    made = await make_key(as_member, organization)
    url = f"{keys_url(organization)}/{made['id']}"
    await as_member.put(url, json={"name": "first"})

    stale = await as_member.request(method, url, json={"name": "second"}, headers={"If-Match": '"0"'})
    current = await as_member.request(method, url, json={"name": "second"}, headers={"If-Match": '"1"'})

    assert stale.status_code == 412
    assert stale.headers["etag"] == '"1"'
    assert current.status_code == 200


async def test_a_rotated_key_has_a_new_value_and_fresh_counters(
    as_member: AsyncClient, organization: Organization
) -> None:
    made = await make_key(as_member, organization)
    await change_stored(
        made["id"],
        usage={
            "total_requests": 9,
            "executions_today": 9,
            "last_reset_date": EARLIER,
            "last_used_at": EARLIER,
        },
    )

    response = await as_member.post(f"{keys_url(organization)}/{made['id']}/rotate")

    answer, raw = response.json(), await stored_key(made["id"])
    value = answer["data"].pop("api_key")
    assert response.status_code == 200
    assert value != made["api_key"]
    assert raw["key_hash"] == hash_key(value)
    assert answer == {
        "success": True,
        "data": {"id": made["id"], "name": "widget", "rotated_at": wire_time(raw["last_rotated_at"])},
        "message": "API key rotated successfully. Save the new key securely - it won't be shown again.",
    }
    assert raw["usage"] == {
        "total_requests": 0,
        "executions_today": 0,
        "last_reset_date": raw["last_rotated_at"],
    }


async def test_a_revoked_key_stays_dead(as_member: AsyncClient, organization: Organization) -> None:
    made = await make_key(as_member, organization)
    url = f"{keys_url(organization)}/{made['id']}"

    revoked, again = await as_member.delete(url), await as_member.delete(url)
    rotated = await as_member.post(f"{url}/rotate")

    assert revoked.json() == again.json() == {"success": True, "message": "API key revoked successfully"}
    assert rotated.status_code == 409
    assert rotated.json()["code"] == "API_KEY_REVOKED"
    raw = await stored_key(made["id"])
    assert raw["is_active"] is False
    assert raw["key_hash"] == hash_key(made["api_key"])


@pytest.mark.parametrize(
    ("limit", "used_today", "remaining", "within"),
    [(None, 3, None, True), (1000, 0, 1000, True), (5, 4, 1, True), (5, 5, 0, False), (5, 7, 0, False)],
)
async def test_the_usage_says_what_is_left_of_the_day(
    as_member: AsyncClient,
    organization: Organization,
    limit: int | None,
    used_today: int,
    remaining: int | None,
    within: bool,
) -> None:
    made = await make_key(as_member, organization, restrictions={"max_executions_per_day": limit})
    now = utc_now()
    usage = {"total_requests": 9, "executions_today": used_today, "last_reset_date": now}
    await change_stored(made["id"], usage=usage)

    response = await as_member.get(f"{keys_url(organization)}/{made['id']}/usage")

    restrictions: dict[str, object] = {"ip_whitelist": [], "domain_whitelist": []}
    assert response.json() == {
        "success": True,
        "data": {
            "api_key_id": made["id"],
            "name": "widget",
            "usage": {"total_requests": 9, "executions_today": used_today, "last_reset_date": wire_time(now)},
            "restrictions": restrictions | ({} if limit is None else {"max_executions_per_day": limit}),
            "daily_limit_remaining": remaining,
            "is_within_daily_limit": within,
        },
    }


async def test_the_executions_of_an_earlier_day_do_not_count(
    as_member: AsyncClient, organization: Organization
) -> None:
    made = await make_key(as_member, organization, restrictions={"max_executions_per_day": 5})
    await change_stored(
        made["id"], usage={"total_requests": 9, "executions_today": 5, "last_reset_date": EARLIER}
    )

    response = await as_member.get(f"{keys_url(organization)}/{made['id']}/usage")

    data = response.json()["data"]
    assert data["usage"]["executions_today"] == 0
    assert data["daily_limit_remaining"] == 5
    assert data["is_within_daily_limit"] is True
