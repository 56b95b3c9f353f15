"""Budgets over HTTP: who may make and read them, what they may be for, and how they are changed."""

import asyncio
from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from tests.budgets.making import body, budgets_url, make_budget, standing, stored
from tests.factories import make_agent, make_key
from tests.fixtures import Cast


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    made: Agent = await make_agent(cast.project, runtime.keyring)
    return made


async def test_an_admin_makes_a_budget_and_everybody_inside_reads_it(
    as_admin: httpx2.AsyncClient, as_viewer: httpx2.AsyncClient, cast: Cast
) -> None:
    home = cast.organization.id
    wanted = body("project", cast.project.id, unit="usd", limit="4.000000001", window="month")

    made = await as_admin.post(budgets_url(home), json=wanted)

    assert (made.status_code, made.headers["etag"]) == (201, '"0"')
    shown = (await as_viewer.get(budgets_url(home, f"/{made.json()['_id']}"))).json()
    assert shown["_id"] == shown["id"] == made.json()["_id"]
    assert shown["scope"] == {"type": "project", "id": cast.project.id}
    figures = ("limit", "spent", "reserved", "left", "state", "action", "on_unknown_price", "soft_pct")
    assert [shown[name] for name in figures] == [
        *("4.000000001", "0", "0", "4.000000001"),
        *("ok", "refuse", "refuse", 80),
    ]
    assert shown["resets_at"].endswith("-01T00:00:00.000Z")
    assert (await as_viewer.get(budgets_url(home))).json()["data"] == [shown]


async def test_nobody_but_an_admin_writes(
    as_admin: httpx2.AsyncClient, as_member: httpx2.AsyncClient, as_viewer: httpx2.AsyncClient, cast: Cast
) -> None:
    home = cast.organization.id
    made = await make_budget(as_admin, home, "organization", home)
    url, before = budgets_url(home, f"/{made['_id']}"), await stored(home, made["_id"])
    for client in (as_member, as_viewer):
        refused = [
            await client.post(budgets_url(home), json=body("project", cast.project.id)),
            await client.patch(url, json={"limit": "99"}, headers={"If-Match": '"0"'}),
            await client.post(f"{url}:reset", json={"reason": "please"}),
            await client.delete(url),
        ]
        assert [answer.status_code for answer in refused] == [403] * 4
    assert await stored(home, made["_id"]) == before


async def test_another_tenant_learns_nothing(
    as_admin: httpx2.AsyncClient, as_outsider: httpx2.AsyncClient, cast: Cast
) -> None:
    made = await make_budget(as_admin, cast.organization.id, "organization", cast.organization.id)
    theirs = cast.other_organization.id
    assert (await as_outsider.get(budgets_url(cast.organization.id))).status_code == 403
    for tail in (f"/{made['_id']}", f"/{made['_id']}/holds"):
        answer = await as_outsider.get(budgets_url(theirs, tail))
        assert (answer.status_code, answer.json()["code"]) == (404, "BUDGET_NOT_FOUND")
    assert (await as_outsider.get(budgets_url(theirs))).json()["data"] == []


async def test_a_budget_is_for_what_is_in_the_organization_and_for_nothing_else(
    as_admin: httpx2.AsyncClient, cast: Cast, runtime: Runtime, agent: Agent
) -> None:
    foreign = {
        "organization": cast.other_organization.id,
        "project": cast.other_project.id,
        "agent": (await make_agent(cast.other_project, runtime.keyring)).id,
        "credential": (await make_key(cast.other_project, runtime.keyring)).id,
    }
    for kind, named in foreign.items():
        for one in (named, new_id(), agent.name):
            answer = await as_admin.post(budgets_url(cast.organization.id), json=body(kind, one))
            assert (answer.status_code, answer.json()["code"]) == (404, "BUDGET_SCOPE_NOT_FOUND")
    own = {"project": cast.project.id, "agent": agent.id, "credential": agent.api_key}
    for kind, named in own.items():
        await make_budget(as_admin, cast.organization.id, kind, named)
    assert len((await as_admin.get(budgets_url(cast.organization.id))).json()["data"]) == 3


async def test_of_an_end_user_only_a_hash_is_kept(as_admin: httpx2.AsyncClient, cast: Cast) -> None:
    home = cast.organization.id
    made = await make_budget(as_admin, home, "end_user", "eve@example.com")
    assert "eve" not in str(await stored(home, made["_id"])) + str(made)
    wanted = {"scope_type": "end_user", "scope_id": "eve@example.com"}
    found = (await as_admin.get(budgets_url(home), params=wanted)).json()["data"]
    assert [one["_id"] for one in found] == [made["_id"]]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"limit": "-1"}, "limit"),
        ({"limit": "1e9"}, "limit"),
        ({"limit": "NaN"}, "limit"),
        ({"limit": 5}, "limit"),
        ({"limit": "0.5"}, "limit"),
        ({"limit": "1" * 19}, "limit"),
        ({"unit": "usd", "limit": "0.0000000001"}, "limit"),
        ({"unit": "usd", "limit": "9999999999"}, "limit"),
        ({"soft_pct": 0}, "soft_pct"),
        ({"soft_pct": 101}, "soft_pct"),
        ({"window": "year"}, "window"),
        ({"spent": "0"}, "spent"),
        ({"name": " "}, "name"),
        ({"scope": {"type": "user", "id": "x"}}, "scope.type"),
        ({"scope": {"type": "end_user", "id": {"$gt": ""}}}, "scope.id"),
    ],
)
async def test_what_is_no_budget_is_refused(
    as_admin: httpx2.AsyncClient, cast: Cast, fields: dict[str, Any], field: str
) -> None:
    wanted = body("organization", cast.organization.id) | fields
    answer = await as_admin.post(budgets_url(cast.organization.id), json=wanted)
    assert answer.status_code == 400, answer.text
    assert [error["path"] for error in answer.json()["errors"]] == [field]


async def test_of_two_who_make_the_same_budget_one_wins(as_admin: httpx2.AsyncClient, cast: Cast) -> None:
    home = cast.organization.id
    made = await asyncio.gather(
        *(as_admin.post(budgets_url(home), json=body("organization", home)) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in made) == [201] + [409] * 7
    assert {answer.json().get("code") for answer in made} == {None, "BUDGET_EXISTS"}
    await make_budget(as_admin, home, "organization", home, window="day")


async def test_a_budget_is_changed_from_the_revision_that_one_has_read(
    as_admin: httpx2.AsyncClient, cast: Cast
) -> None:
    home = cast.organization.id
    made = await make_budget(as_admin, home, "organization", home, unit="tokens", limit="100")
    url = budgets_url(home, f"/{made['_id']}")
    assert (await as_admin.patch(url, json={"limit": "5"})).status_code == 428
    changed = await as_admin.patch(
        url, json={"limit": "500", "action": "warn", "soft_pct": 10}, headers={"If-Match": '"0"'}
    )
    assert [changed.json()[name] for name in ("limit", "action", "soft_pct")] == ["500", "warn", 10]
    stale = await as_admin.patch(url, json={"limit": "7"}, headers={"If-Match": '"0"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"1"')
    fraction = await as_admin.patch(url, json={"limit": "0.5"}, headers={"If-Match": '"1"'})
    assert fraction.json()["errors"][0]["path"] == "limit"
    assert (await as_admin.delete(url, headers={"If-Match": '"0"'})).status_code == 412
    assert (await as_admin.delete(url)).status_code == 204
    assert (await as_admin.get(url)).json()["code"] == "BUDGET_NOT_FOUND"


async def test_a_reset_is_remembered_with_its_reason(as_admin: httpx2.AsyncClient, cast: Cast) -> None:
    home = cast.organization.id
    made = await make_budget(as_admin, home, "organization", home)
    url = budgets_url(home, f"/{made['_id']}:reset")
    assert (await as_admin.post(url, json={"reason": " "})).status_code == 400
    for number in range(22):
        answer = await as_admin.post(url, json={"reason": f"$reason {number}"})
        assert answer.status_code == 200, answer.text
    shown = await standing(as_admin, made, home)
    assert len(shown["resets"]) == 20
    newest = shown["resets"][0]
    assert (newest["reason"], newest["by"], newest["spent"]) == ("$reason 21", cast.admin.id, "0")
    assert answer.headers["etag"] == '"22"'


async def test_the_list_pages_and_filters(
    as_viewer: httpx2.AsyncClient, as_admin: httpx2.AsyncClient, cast: Cast
) -> None:
    home = cast.organization.id
    for unit in ("requests", "tokens"):
        for window in ("total", "day", "week"):
            await make_budget(as_admin, home, "organization", home, unit=unit, window=window)
    whole = (await as_viewer.get(budgets_url(home))).json()["data"]
    assert [one["_id"] for one in whole] == sorted((one["_id"] for one in whole), reverse=True)
    first = (await as_viewer.get(budgets_url(home), params={"limit": 4})).json()
    rest = await as_viewer.get(budgets_url(home), params={"limit": 4, "cursor": first["page"]["next"]})
    assert first["data"] + rest.json()["data"] == whole
    tokens = await as_viewer.get(budgets_url(home), params={"unit": "tokens", "scope_type": "organization"})
    assert {one["unit"] for one in tokens.json()["data"]} == {"tokens"}
    assert (await as_viewer.get(budgets_url(home), params={"unit": "euros"})).status_code == 400
