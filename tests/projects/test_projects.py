"""Projects, through HTTP."""

import httpx2
import pytest

from crafter.core.runtime import Runtime
from crafter.core.tenancy import Scope, UnscopedQuery
from crafter.projects.documents import Project
from tests.factories import make_agent, make_key
from tests.fixtures import Cast


def url(cast: Cast, tail: str = "") -> str:
    return f"/organizations/{cast.organization.id}/projects{tail}"


async def test_a_new_project_has_the_contracts_shape(as_member: httpx2.AsyncClient, cast: Cast) -> None:
    body = {
        "name": " P1 ",
        "description": "d",
        "llm_configurations": [],
        "organization": cast.other_organization.id,
    }

    response = await as_member.post(url(cast), json=body)

    shown = response.json()
    assert response.status_code == 201
    assert shown == {
        "_id": shown["_id"],
        "id": shown["_id"],
        "name": "P1",
        "description": "d",
        "organization": cast.organization.id,
        "createdAt": shown["createdAt"],
        "updatedAt": shown["createdAt"],
        "__v": 0,
    }


async def test_the_list_holds_the_organizations_projects_and_no_others(
    as_viewer: httpx2.AsyncClient, cast: Cast
) -> None:
    response = await as_viewer.get(url(cast))

    assert [project["_id"] for project in response.json()] == [cast.project.id]


async def test_one_project_shows_its_keys_without_secrets(
    as_viewer: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    await make_key(cast.project, runtime.keyring, secret="sk-canary-0123456789")

    response = await as_viewer.get(url(cast, f"/{cast.project.id}"))

    body = response.json()
    [key] = body["apiKeys"]
    assert body["prompts"] == []
    assert {"_id", "name", "models"} <= set(key["provider"])
    assert "key" not in key
    assert "sk-canary" not in response.text


async def test_agents_and_tools_come_when_they_are_asked_for(
    as_viewer: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    await make_agent(cast.project, runtime.keyring, name="helper")

    plain = (await as_viewer.get(url(cast, f"/{cast.project.id}"))).json()
    full = (await as_viewer.get(url(cast, f"/{cast.project.id}?include=agents,tools"))).json()
    wrong = await as_viewer.get(url(cast, f"/{cast.project.id}?include=everything"))

    assert "agents" not in plain
    assert [agent["name"] for agent in full["agents"]] == ["helper"]
    assert "calculator" in {tool["name"] for tool in full["tools"]}
    assert (wrong.status_code, wrong.json()["errors"][0]["location"]) == (400, "query")


async def test_a_change_touches_only_what_is_given(as_member: httpx2.AsyncClient, cast: Cast) -> None:
    await as_member.patch(url(cast, f"/{cast.project.id}"), json={"description": "d"})

    renamed = (await as_member.patch(url(cast, f"/{cast.project.id}"), json={"name": "New"})).json()
    cleared = (await as_member.patch(url(cast, f"/{cast.project.id}"), json={"description": None})).json()

    assert (renamed["name"], renamed["description"]) == ("New", "d")
    assert "description" not in cleared


async def test_a_stale_change_is_refused(as_member: httpx2.AsyncClient, cast: Cast) -> None:
    target = url(cast, f"/{cast.project.id}")
    tag = (await as_member.get(target)).headers["etag"]
    await as_member.patch(target, json={"name": "First"}, headers={"If-Match": tag})

    response = await as_member.patch(target, json={"name": "Second"}, headers={"If-Match": tag})

    assert response.status_code == 412
    assert (await as_member.get(target)).json()["name"] == "First"


async def test_a_project_with_content_is_not_deleted_and_says_what_it_holds(
    as_admin: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    agent = await make_agent(cast.project, runtime.keyring, name="helper")

    response = await as_admin.delete(url(cast, f"/{cast.project.id}"))

    dependants = {entry["type"]: entry for entry in response.json()["dependants"]}
    assert response.status_code == 409
    assert dependants["agents"]["items"] == [{"id": agent.id, "name": "helper"}]
    assert dependants["apikeys"]["count"] == 1
    assert (await as_admin.get(url(cast, f"/{cast.project.id}"))).status_code == 200


async def test_an_empty_project_is_deleted(as_admin: httpx2.AsyncClient, cast: Cast) -> None:
    target = url(cast, f"/{cast.project.id}")

    assert (await as_admin.delete(target)).status_code == 204
    assert (await as_admin.get(target)).json()["error"] == "Project not found"


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_another_organizations_project_is_not_found_below_ones_own(
    as_admin: httpx2.AsyncClient, cast: Cast, method: str
) -> None:
    foreign = await as_admin.request(method, url(cast, f"/{cast.other_project.id}"), json={"name": "Mine"})
    missing = await as_admin.request(
        method, url(cast, "/0199f3a4-7c1e-7b52-9a53-0c1f4f0f2d11"), json={"name": "x"}
    )

    unwanted = ("instance", "request_id")
    bodies = [{k: v for k, v in r.json().items() if k not in unwanted} for r in (foreign, missing)]
    assert foreign.status_code == missing.status_code == 404
    assert bodies[0] == bodies[1]
    raw = await Project.within(Scope(cast.other_organization.id)).find_one({"_id": cast.other_project.id})
    assert raw is not None
    assert raw["name"] == "Elsewhere"


async def test_a_query_without_its_organization_raises(cast: Cast) -> None:
    with pytest.raises(UnscopedQuery):
        Project.collection()
    with pytest.raises(UnscopedQuery):
        await Project.find_one({"_id": cast.project.id})
    with pytest.raises(UnscopedQuery):
        await Project.get(cast.project.id)
    with pytest.raises(UnscopedQuery):
        await Project.within(cast.project.scope).find_one({"organization": cast.other_organization.id})
    with pytest.raises(ValueError, match="another tenant"):
        await Project.within(Scope(cast.organization.id)).update_one(
            {"_id": cast.project.id}, {"$set": {"organization": cast.other_organization.id}}
        )
