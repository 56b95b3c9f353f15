"""Organizations and members, through HTTP: the contract's shapes, the rules, and the races."""

import asyncio
from typing import Any

import httpx2
import pytest

from crafter.core.runtime import Runtime
from crafter.organizations.documents import Organization
from crafter.organizations.permissions import Role
from tests.factories import make_user
from tests.fixtures import Cast

MIME_TYPES = [
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "application/pdf",
    "audio/ogg",
    "audio/mpeg",
    "video/mp4",
]


async def stored(organization_id: str) -> dict[str, Any]:
    raw = await Organization.collection().find_one({"_id": organization_id})
    assert raw is not None
    return raw


async def test_a_new_organization_has_the_contracts_shape(
    as_outsider: httpx2.AsyncClient, cast: Cast
) -> None:
    response = await as_outsider.post(
        "/organizations", json={"name": "  Acme ", "description": "d", "owner": "x"}
    )

    body = response.json()
    [member] = body["members"]
    assert response.status_code == 201
    assert response.headers["etag"] == '"0"'
    assert body == {
        "_id": body["_id"],
        "id": body["_id"],
        "name": "Acme",
        "description": "d",
        "owner": cast.outsider.id,
        "members": [{"user": cast.outsider.id, "role": "admin", "_id": member["_id"], "id": member["_id"]}],
        "media_storage": {
            "enabled": False,
            "credentials": {"region": "us-east-1"},
            "base_path": "",
            "max_file_size_mb": 10,
            "allowed_mime_types": MIME_TYPES,
        },
        "createdAt": body["createdAt"],
        "updatedAt": body["createdAt"],
        "__v": 0,
    }
    assert len(member["_id"]) == 24
    raw = await stored(body["_id"])
    assert {
        "name",
        "description",
        "owner",
        "members",
        "media_storage",
        "createdAt",
        "updatedAt",
        "__v",
    } <= set(raw)


async def test_everybody_sees_just_their_organizations_with_the_owner_as_a_person(
    as_viewer: httpx2.AsyncClient, cast: Cast
) -> None:
    response = await as_viewer.get("/organizations")

    [only] = response.json()
    assert only["_id"] == cast.organization.id
    admin = cast.admin
    assert only["owner"] == {"_id": admin.id, "id": admin.id, "email": admin.email, "name": admin.name}
    assert only["members"][0]["user"] == admin.id


async def test_one_organization_shows_its_members_as_people(
    as_viewer: httpx2.AsyncClient, cast: Cast
) -> None:
    body = (await as_viewer.get(f"/organizations/{cast.organization.id}")).json()

    roles = {member["user"]["email"]: member["role"] for member in body["members"]}
    assert roles == {
        "admin@example.com": "admin",
        "member@example.com": "member",
        "viewer@example.com": "viewer",
    }
    assert body["members"][0]["user"]["id"] == body["owner"] == cast.admin.id


@pytest.mark.parametrize("name", [None, "", "   ", 5, {"$ne": ""}, "x" * 201])
async def test_a_name_is_required(as_outsider: httpx2.AsyncClient, name: object) -> None:
    response = await as_outsider.post("/organizations", json={"name": name})

    assert response.status_code == 400
    assert response.json()["errors"][0]["path"] == "name"


async def test_an_update_changes_only_what_is_given(as_admin: httpx2.AsyncClient, cast: Cast) -> None:
    url = f"/organizations/{cast.organization.id}"
    before = (await as_admin.get(url)).json()

    body = (
        await as_admin.put(url, json={"name": "New", "createdAt": "2000-01-01T00:00:00Z", "owner": "x"})
    ).json()

    assert body["name"] == "New"
    assert body["owner"] == cast.admin.id
    assert body["createdAt"] == before["createdAt"]
    assert body["updatedAt"] > before["updatedAt"]


async def test_a_stale_update_is_refused_with_the_current_etag(
    as_admin: httpx2.AsyncClient, cast: Cast
) -> None:
    url = f"/organizations/{cast.organization.id}"
    tag = (await as_admin.get(url)).headers["etag"]
    first = await as_admin.put(url, json={"name": "First"}, headers={"If-Match": tag})

    second = await as_admin.put(url, json={"name": "Second"}, headers={"If-Match": tag})

    assert second.status_code == 412
    assert second.headers["etag"] == first.headers["etag"] != tag
    assert (await as_admin.get(url)).json()["name"] == "First"


async def test_storage_keys_are_encrypted_masked_and_kept_by_their_mask(
    as_admin: httpx2.AsyncClient, cast: Cast
) -> None:
    url = f"/organizations/{cast.organization.id}"
    credentials = {"access_key_id": "AKIACANARY", "secret_access_key": "canary-secret", "bucket": "b"}
    first = await as_admin.put(url, json={"media_storage": {"enabled": True, "credentials": credentials}})
    kept = (await stored(cast.organization.id))["media_storage"]["credentials"]["secret_access_key"]

    masked = {"access_key_id": "***", "secret_access_key": "***", "bucket": "c"}
    second = await as_admin.put(url, json={"media_storage": {"enabled": True, "credentials": masked}})

    shown = second.json()["media_storage"]["credentials"]
    assert shown == {"access_key_id": "***", "secret_access_key": "***", "region": "us-east-1", "bucket": "c"}
    raw = await stored(cast.organization.id)
    assert raw["media_storage"]["credentials"]["secret_access_key"] == kept
    for text in (first.text, second.text, str(raw)):
        assert "canary-secret" not in text
        assert "AKIACANARY" not in text


async def test_somebody_with_an_account_is_added(as_admin: httpx2.AsyncClient, cast: Cast) -> None:
    body = {"email": " Outsider@Example.com", "role": "viewer"}

    response = await as_admin.post(f"/organizations/{cast.organization.id}/members", json=body)

    assert response.status_code == 200
    outsider = cast.outsider
    person = {"id": outsider.id, "email": outsider.email, "name": outsider.name}
    assert response.json() == {
        "message": "User added successfully",
        "member": {"user": person, "role": "viewer"},
    }


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"email": "unknown@example.com", "role": "member"}, 404, "User not found"),
        (
            {"email": "viewer@example.com", "role": "member"},
            400,
            "User is already a member of this organization",
        ),
        ({"email": "outsider@example.com", "role": "owner"}, 400, ""),
        ({"email": {"$ne": None}, "role": "member"}, 400, ""),
        ({}, 400, ""),
    ],
)
async def test_members_that_cannot_be_added(
    as_admin: httpx2.AsyncClient, cast: Cast, body: dict[str, object], status: int, error: str
) -> None:
    before = await stored(cast.organization.id)

    response = await as_admin.post(f"/organizations/{cast.organization.id}/members", json=body)

    assert response.status_code == status
    assert error in response.json()["error"]
    assert (await stored(cast.organization.id))["members"] == before["members"]


async def test_twenty_invitations_at_once_make_one_member(as_admin: httpx2.AsyncClient, cast: Cast) -> None:
    url = f"/organizations/{cast.organization.id}/members"
    body = {"email": "outsider@example.com", "role": "member"}

    responses = await asyncio.gather(*(as_admin.post(url, json=body) for _ in range(20)))

    assert sorted(r.status_code for r in responses) == [200] + [400] * 19
    users = [member["user"] for member in (await stored(cast.organization.id))["members"]]
    assert users.count(cast.outsider.id) == 1


async def test_a_role_change_acts_on_the_next_request(
    as_admin: httpx2.AsyncClient, as_member: httpx2.AsyncClient, cast: Cast
) -> None:
    organization, projects = cast.organization.id, f"/organizations/{cast.organization.id}/projects"
    assert (await as_member.post(projects, json={"name": "One"})).status_code == 201

    url = f"/organizations/{organization}/members/{cast.member.id}"
    demoted = await as_admin.put(url, json={"role": "viewer"})

    assert demoted.json()["message"] == "Member role updated successfully"
    refused = await as_member.post(projects, json={"name": "Two"})
    assert (refused.status_code, refused.json()["error"]) == (403, "Access denied: member role required")
    removed = await as_admin.delete(url)
    assert removed.json() == {"message": "Member removed successfully"}
    assert (await as_member.get(projects)).status_code == 403


async def test_removing_somebody_who_is_no_member_is_fine(as_admin: httpx2.AsyncClient, cast: Cast) -> None:
    response = await as_admin.delete(f"/organizations/{cast.organization.id}/members/{cast.outsider.id}")

    assert (response.status_code, response.json()["message"]) == (200, "Member removed successfully")


async def test_the_last_admin_cannot_go(as_admin: httpx2.AsyncClient, cast: Cast) -> None:
    url = f"/organizations/{cast.organization.id}/members/{cast.admin.id}"

    for response in (await as_admin.put(url, json={"role": "member"}), await as_admin.delete(url)):
        assert (response.status_code, response.json()["error"]) == (400, "Cannot remove the last admin")


async def test_the_owner_stays_while_there_are_other_admins(as_admin: httpx2.AsyncClient, cast: Cast) -> None:
    organization = f"/organizations/{cast.organization.id}"
    await as_admin.put(f"{organization}/members/{cast.member.id}", json={"role": "admin"})
    url = f"{organization}/members/{cast.admin.id}"

    for response in (await as_admin.put(url, json={"role": "member"}), await as_admin.delete(url)):
        assert (response.status_code, response.json()["code"]) == (409, "OWNER_MUST_STAY")


async def test_however_many_changes_race_an_admin_stays(
    as_admin: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    """Without an owner among them: the state that a Node database may be in."""
    one, two = await make_user("one@example.com"), await make_user("two@example.com")
    url = f"/organizations/{cast.organization.id}/members"
    for _ in range(20):
        members = [
            {"_id": m.id, "user": u.id, "role": Role.admin.value}
            for m, u in zip(cast.organization.members, (cast.admin, one, two), strict=True)
        ]
        await Organization.collection().update_one(
            {"_id": cast.organization.id}, {"$set": {"members": members, "owner": "gone"}}
        )

        await asyncio.gather(
            *(as_admin.put(f"{url}/{user.id}", json={"role": "viewer"}) for user in (one, two)),
            *(as_admin.delete(f"{url}/{user.id}") for user in (one, two, cast.admin)),
        )

        roles = [member["role"] for member in (await stored(cast.organization.id))["members"]]
        assert "admin" in roles


async def test_ownership_is_transferred_to_a_member_who_becomes_admin(
    as_admin: httpx2.AsyncClient, cast: Cast
) -> None:
    url = f"/organizations/{cast.organization.id}"
    tag = (await as_admin.get(url)).headers["etag"]

    response = await as_admin.post(
        f"{url}:transfer", json={"user_id": cast.member.id}, headers={"If-Match": tag}
    )

    roles = {member["user"]: member["role"] for member in response.json()["members"]}
    assert response.json()["owner"] == cast.member.id
    assert roles[cast.member.id] == roles[cast.admin.id] == "admin"
    again = await as_admin.post(
        f"{url}:transfer", json={"user_id": cast.viewer.id}, headers={"If-Match": tag}
    )
    assert again.status_code == 403


async def test_a_transfer_needs_a_revision_and_a_member(as_admin: httpx2.AsyncClient, cast: Cast) -> None:
    url = f"/organizations/{cast.organization.id}"
    tag = (await as_admin.get(url)).headers["etag"]

    without = await as_admin.post(f"{url}:transfer", json={"user_id": cast.member.id})
    outsider = await as_admin.post(
        f"{url}:transfer", json={"user_id": cast.outsider.id}, headers={"If-Match": tag}
    )
    stale = await as_admin.post(
        f"{url}:transfer", json={"user_id": cast.member.id}, headers={"If-Match": '"99"'}
    )

    assert (without.status_code, outsider.status_code, stale.status_code) == (428, 404, 412)
    assert (await stored(cast.organization.id))["owner"] == cast.admin.id


async def test_two_transfers_at_once_leave_one_owner(as_admin: httpx2.AsyncClient, cast: Cast) -> None:
    url = f"/organizations/{cast.organization.id}"
    tag = (await as_admin.get(url)).headers["etag"]

    responses = await asyncio.gather(
        *(
            as_admin.post(f"{url}:transfer", json={"user_id": user.id}, headers={"If-Match": tag})
            for user in (cast.member, cast.viewer)
        )
    )

    assert [r.status_code for r in responses].count(200) == 1
    [winner] = [r.json()["owner"] for r in responses if r.status_code == 200]
    assert (await stored(cast.organization.id))["owner"] == winner


async def test_an_outsider_and_a_missing_organization_look_the_same(
    as_outsider: httpx2.AsyncClient, cast: Cast
) -> None:
    bodies = []
    for organization_id in (cast.organization.id, "0199f3a4-7c1e-7b52-9a53-0c1f4f0f2d11", "%00", "x" * 65):
        response = await as_outsider.get(f"/organizations/{organization_id}")
        bodies.append((response.status_code, response.json()["error"]))

    assert bodies[0] == bodies[1] == (403, "Access denied: Not a member of this organization")
    assert all(status in (400, 403, 404) for status, _ in bodies)
