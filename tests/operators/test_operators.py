"""Operators of other systems, through HTTP."""

import asyncio

import httpx2
import pytest

from crafter.operators.documents import ExternalOperator
from tests.fixtures import Cast

EVE = {
    "external_id": "e-1",
    "name": "Eve",
    "email": "Eve@Example.com",
    "skills": ["billing", "french"],
    "metadata": {"team": "a"},
}


@pytest.fixture
def path(cast: Cast) -> str:
    return f"/handoffs/organizations/{cast.organization.id}/projects/{cast.project.id}/operators"


async def test_an_operator_is_made_and_then_changed_by_the_same_call(
    as_member: httpx2.AsyncClient, cast: Cast, path: str
) -> None:
    made = (await as_member.put(path, json=EVE)).json()
    changed = (
        await as_member.put(path, json={"external_id": "e-1", "name": "Eva", "status": "online"})
    ).json()
    read = (await as_member.get(f"{path}/e-1")).json()

    operator = dict(made["operator"])
    assert made["success"] is True
    assert operator.pop("created_at").endswith("Z")
    assert operator.pop("updated_at").endswith("Z")
    assert len(operator.pop("_id")) == 36
    assert operator == {
        "external_id": "e-1",
        "name": "Eve",
        "email": "eve@example.com",
        "organization": cast.organization.id,
        "project": cast.project.id,
        "skills": ["billing", "french"],
        "status": "offline",
        "metadata": {"team": "a"},
        "__v": 0,
    }
    assert changed["operator"]["_id"] == made["operator"]["_id"]
    assert (changed["operator"]["name"], changed["operator"]["status"]) == ("Eva", "online")
    assert changed["operator"]["email"] == "eve@example.com"
    assert read == changed


async def test_of_many_who_make_the_same_operator_all_succeed_and_one_is_made(
    as_member: httpx2.AsyncClient, cast: Cast, path: str
) -> None:
    answers = await asyncio.gather(*(as_member.put(path, json=EVE) for _ in range(10)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["operator"]["_id"] for answer in answers}) == 1
    assert await ExternalOperator.within(cast.project.scope).count({}) == 1


@pytest.mark.parametrize(
    "body", [{}, {"name": "Eve"}, {"external_id": "e"}, {"external_id": "", "name": "E"}]
)
async def test_an_operator_needs_an_id_and_a_name(
    as_member: httpx2.AsyncClient, path: str, body: dict[str, str]
) -> None:
    response = await as_member.put(path, json=body)

    assert (response.status_code, response.json()["error"]) == (400, "external_id and name are required")


async def test_operators_are_listed_by_name_status_and_skill(
    as_viewer: httpx2.AsyncClient, cast: Cast, path: str, as_member: httpx2.AsyncClient
) -> None:
    for name, status, skills in (
        ("Zoe", "online", ["a"]),
        ("Ann", "busy", ["a", "b"]),
        ("Bob", "online", []),
    ):
        await as_member.put(
            path, json={"external_id": name, "name": name, "status": status, "skills": skills}
        )

    async def listed(**params: str) -> list[str]:
        body = (await as_viewer.get(path, params=params)).json()
        assert body["success"] is True
        return [one["name"] for one in body["operators"]]

    assert await listed() == ["Ann", "Bob", "Zoe"]
    assert await listed(status="online") == ["Bob", "Zoe"]
    assert await listed(skill="a") == ["Ann", "Zoe"]
    assert await listed(status="busy", skill="b") == ["Ann"]


async def test_a_status_is_set_for_one_for_some_and_for_all(as_member: httpx2.AsyncClient, path: str) -> None:
    for name in ("a", "b", "c"):
        await as_member.put(path, json={"external_id": name, "name": name})

    one = await as_member.patch(f"{path}/a/status", json={"status": "busy"})
    some = await as_member.patch(
        f"{path}/bulk/status", json={"operator_ids": ["a", "b", "x"], "status": "online"}
    )
    everybody = await as_member.patch(f"{path}/bulk/status", json={"status": "offline"})

    assert one.json()["operator"]["status"] == "busy"
    assert some.json() == {"success": True, "modified_count": 2}
    assert everybody.json() == {"success": True, "modified_count": 3}


@pytest.mark.parametrize("tail", ["a/status", "bulk/status"])
@pytest.mark.parametrize("body", [{}, {"status": "away"}, {"status": 1}])
async def test_a_status_is_one_of_three(
    as_member: httpx2.AsyncClient, path: str, tail: str, body: dict[str, object]
) -> None:
    response = await as_member.patch(f"{path}/{tail}", json=body)

    assert (response.status_code, response.json()["error"]) == (
        400,
        "Status must be online, offline, or busy",
    )


async def test_a_deleted_operator_is_gone(as_member: httpx2.AsyncClient, path: str) -> None:
    await as_member.put(path, json=EVE)

    deleted = await as_member.delete(f"{path}/e-1")

    assert deleted.json() == {"success": True, "message": "Operator deleted"}
    for method, tail in (("GET", "e-1"), ("DELETE", "e-1"), ("PATCH", "e-1/status")):
        response = await as_member.request(method, f"{path}/{tail}", json={"status": "busy"})
        assert (response.status_code, response.json()["error"]) == (404, "Operator not found")
