"""Platform keys and who reaches them: only the person they act for."""

from typing import Any

import pytest
from httpx2 import AsyncClient

from crafter.organizations.documents import Organization
from tests.factories import make_organization
from tests.fixtures import Cast
from tests.user_api_keys.support import UNKNOWN_ID, keys_url, make_key, store_node_key, stored_key

ON_ONE_KEY = [
    ("GET", "", None),
    ("PUT", "", {"name": "stolen"}),
    ("POST", "/rotate", None),
    ("DELETE", "", None),
    ("GET", "/usage", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ON_ONE_KEY)
async def test_the_key_of_a_colleague_does_not_exist(
    as_member: AsyncClient,
    as_admin: AsyncClient,
    organization: Organization,
    method: str,
    path: str,
    body: dict[str, Any] | None,
) -> None:
    made = await make_key(as_member, organization)
    before = await stored_key(made["id"])

    theirs = await as_admin.request(method, f"{keys_url(organization)}/{made['id']}{path}", json=body)
    unknown = await as_admin.request(method, f"{keys_url(organization)}/{UNKNOWN_ID}{path}", json=body)

    assert (theirs.status_code, unknown.status_code) == (404, 404)
    assert theirs.json()["error"] == unknown.json()["error"] == "API key not found"
    assert await stored_key(made["id"]) == before


@pytest.mark.parametrize(("method", "path", "body"), ON_ONE_KEY)
async def test_a_key_exists_in_its_own_organization_only(
    as_member: AsyncClient, cast: Cast, method: str, path: str, body: dict[str, Any] | None
) -> None:
    made = await make_key(as_member, cast.organization)
    second = await make_organization(cast.member, name="Second")

    response = await as_member.request(method, f"{keys_url(second)}/{made['id']}{path}", json=body)

    assert response.status_code == 404


async def test_the_list_has_only_ones_own_keys(
    as_member: AsyncClient, as_admin: AsyncClient, organization: Organization
) -> None:
    mine = await make_key(as_member, organization)
    await make_key(as_admin, organization)

    response = await as_member.get(keys_url(organization))

    assert [key["id"] for key in response.json()["data"]] == [mine["id"]]


async def test_a_viewer_reads_their_keys_and_changes_nothing(as_viewer: AsyncClient, cast: Cast) -> None:
    key = await store_node_key(cast.viewer, cast.organization)
    url = f"{keys_url(cast.organization)}/{key['_id']}"

    reads = [await as_viewer.get(path) for path in (keys_url(cast.organization), url, f"{url}/usage")]
    writes = [
        await as_viewer.post(keys_url(cast.organization), json={"name": "mine", "scopes": ["agents:chat"]}),
        await as_viewer.put(url, json={"name": "mine"}),
        await as_viewer.post(f"{url}/rotate"),
        await as_viewer.delete(url),
    ]

    assert [read.status_code for read in reads] == [200, 200, 200]
    assert [write.status_code for write in writes] == [403, 403, 403, 403]
    assert {write.json()["error"] for write in writes} == {"Access denied: member role required"}
    assert await stored_key(key["_id"]) == key


async def test_outsiders_and_strangers_get_nothing(
    as_outsider: AsyncClient, as_nobody: AsyncClient, organization: Organization
) -> None:
    outsider, nobody = (
        await as_outsider.get(keys_url(organization)),
        await as_nobody.get(keys_url(organization)),
    )

    assert outsider.status_code == 403
    assert nobody.status_code == 401


async def test_the_keys_of_a_removed_member_are_revoked(
    as_admin: AsyncClient, as_member: AsyncClient, cast: Cast
) -> None:
    second = await make_organization(cast.member, name="Second")
    ended = await make_key(as_member, cast.organization)
    elsewhere = await make_key(as_member, second)
    colleague = await make_key(as_admin, cast.organization)

    response = await as_admin.delete(f"/organizations/{cast.organization.id}/members/{cast.member.id}")

    active = [(await stored_key(key["id"]))["is_active"] for key in (ended, elsewhere, colleague)]
    assert response.status_code == 200
    assert active == [False, True, True]
