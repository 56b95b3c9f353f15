"""Provider keys over HTTP: who may do what, and what is answered."""

import asyncio
from typing import Any

import pytest
from httpx2 import AsyncClient

from crafter.api_keys.documents import ApiKey, ModelUsage, Usage
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.api_keys.factories import keys_url, make_api_key, provider_named
from tests.factories import make_project

SECRET = "sk-proj-0123456789abcdef-WXYZ"


async def new_key(**fields: Any) -> dict[str, Any]:
    return {"name": "k1", "key": SECRET, "provider": (await provider_named("openai")).id, **fields}


async def stored(project: Project) -> list[dict[str, Any]]:
    return await ApiKey.within(project.scope).find({}, limit=100)


async def add_agent(runtime: Runtime, project: Project, **fields: Any) -> str:
    """An agent with nothing but what counts here."""
    agent = {"_id": new_id(), "name": "helper", "organization": project.organization, "project": project.id}
    await runtime.database.db["agents"].insert_one({**agent, **fields})
    return str(agent["_id"])


async def test_a_member_stores_a_key_and_gets_what_it_is_found_by(
    as_member: AsyncClient, project: Project
) -> None:
    body = await new_key(name="  k1 ", key=f" {SECRET}\n")

    response = await as_member.post(keys_url(project), json=body)

    assert response.status_code == 201
    created = response.json()
    assert set(created) == {"id", "name", "provider", "project", "created_at"}
    assert (created["name"], created["provider"], created["project"]) == ("k1", body["provider"], project.id)
    [row] = await stored(project)
    assert row["_id"] == created["id"]
    assert row["organization"] == project.organization
    assert row["key"].startswith("crafter:1:A256GCM:")
    assert row["usage"] == {
        "total_requests": 0,
        "total_tokens": 0,
        "total_cost": 0,
        "usage_by_model": [],
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": None}, "name"),
        ({"name": " "}, "name"),
        ({"name": "n" * 201}, "name"),
        ({"key": None}, "key"),
        ({"key": "  \n"}, "key"),
        ({"key": "k" * 4_097}, "key"),
        ({"key": "sk-\r\nX-Evil: 1"}, "key"),
        ({"key": "sk-\u00e9"}, "key"),
        ({"key": ["sk"]}, "key"),
        ({"provider": None}, "provider"),
        ({"provider": ""}, "provider"),
        ({"provider": {"$ne": None}}, "provider"),
    ],
)
async def test_bad_keys_are_refused_with_the_field_and_without_the_value(
    as_member: AsyncClient, project: Project, change: dict[str, Any], field: str
) -> None:
    response = await as_member.post(keys_url(project), json=await new_key(**change))

    assert response.status_code == 400
    assert [e["path"] for e in response.json()["errors"]] == [field]
    assert "sk-" not in response.text
    assert await stored(project) == []


async def test_an_unknown_provider_is_not_found(as_member: AsyncClient, project: Project) -> None:
    response = await as_member.post(keys_url(project), json=await new_key(provider="p"))

    assert (response.status_code, response.json()["error"]) == (404, "Provider not found")


async def test_a_secret_is_stored_once_in_a_project_among_racers(
    as_member: AsyncClient, project: Project
) -> None:
    body = await new_key()

    responses = await asyncio.gather(*(as_member.post(keys_url(project), json=body) for _ in range(20)))

    assert sorted(r.status_code for r in responses) == [201] + [400] * 19
    refusal = next(r for r in responses if r.status_code == 400).json()
    assert refusal["error"] == "API key already exists in this project"
    assert len(await stored(project)) == 1


async def test_a_secret_counts_as_the_same_whatever_its_name_and_provider(
    as_member: AsyncClient, project: Project
) -> None:
    await as_member.post(keys_url(project), json=await new_key())

    response = await as_member.post(
        keys_url(project), json=await new_key(name="other", provider=(await provider_named("xai")).id)
    )

    assert response.status_code == 400


async def test_another_project_and_another_tenant_may_store_the_same_secret(
    as_member: AsyncClient,
    as_outsider: AsyncClient,
    project: Project,
    other_project: Project,
    organization: Any,
) -> None:
    sibling = await make_project(organization, "Sibling")
    body = await new_key()

    responses = [
        await as_member.post(keys_url(project), json=body),
        await as_member.post(keys_url(sibling), json=body),
        await as_outsider.post(keys_url(other_project), json=body),
    ]

    assert [r.status_code for r in responses] == [201, 201, 201]
    rows = [row for p in (project, sibling, other_project) for row in await stored(p)]
    fingerprints = {fingerprint for row in rows for fingerprint in row["fingerprints"]}
    assert len(fingerprints) == 3


async def test_a_project_may_have_several_keys_of_one_provider(
    as_member: AsyncClient, project: Project
) -> None:
    for secret in ("sk-one", "sk-two"):
        response = await as_member.post(keys_url(project), json=await new_key(key=secret))
        assert response.status_code == 201


async def test_keys_are_listed_newest_first_as_the_contract_shows_them(
    as_viewer: AsyncClient, as_member: AsyncClient, project: Project
) -> None:
    await as_member.post(keys_url(project), json=await new_key())
    provider = await provider_named("openai")
    usage = Usage(
        total_tokens=30,
        total_cost=0.5,
        usage_by_model=[
            ModelUsage(model="gpt-4o", input_tokens=10, output_tokens=5, cost=0.25),
            ModelUsage(model="o3", input_tokens=1, output_tokens=1, cost=0.125),
            ModelUsage(model="gpt-4o", input_tokens=8, output_tokens=5, cost=0.125),
        ],
    )
    await make_api_key(project, provider.id, usage=usage)

    response = await as_viewer.get(keys_url(project))

    assert response.status_code == 200
    assert response.json()["page"] == {"next": None, "prev": None, "has_more": False}
    legacy, fresh = response.json()["data"]
    assert set(legacy) == {
        "_id",
        "createdAt",
        "updatedAt",
        "__v",
        "name",
        "provider",
        "project",
        "is_active",
        "usage",
        "masked_key",
        "storage",
        "is_default",
    }
    assert legacy["provider"]["name"] == "openai"
    assert legacy["provider"]["models"] == provider.models
    assert (legacy["usage"]["total_tokens"], legacy["usage"]["total_cost"]) == (30, 0.5)
    sums = [{k: v for k, v in entry.items() if k != "_id"} for entry in legacy["usage"]["usage_by_model"]]
    assert sums == [
        {"model": "gpt-4o", "input_tokens": 18, "output_tokens": 10, "cost": 0.375},
        {"model": "o3", "input_tokens": 1, "output_tokens": 1, "cost": 0.125},
    ]
    assert legacy["usage"]["usage_by_model"][0]["_id"] == str(usage.usage_by_model[0].id)
    assert (legacy["masked_key"], fresh["masked_key"]) == ("…", "…WXYZ")


async def test_nothing_is_shown_of_a_short_secret(as_member: AsyncClient, project: Project) -> None:
    created = await as_member.post(keys_url(project), json=await new_key(key="hunter2-hunter2"))

    body = (await as_member.get(keys_url(project, created.json()["id"]))).json()

    assert body["masked_key"] == "…"


async def test_pages_of_keys_join_without_gap_and_belong_to_their_project(
    as_viewer: AsyncClient, project: Project, organization: Any
) -> None:
    sibling = await make_project(organization, "Sibling")
    keys = [await make_api_key(project, "p", name=f"k{n}") for n in range(5)]

    pages = [(await as_viewer.get(keys_url(project), params={"limit": 2})).json()]
    while following := pages[-1]["page"]["next"]:
        elsewhere = await as_viewer.get(keys_url(sibling), params={"limit": 2, "cursor": following})
        assert elsewhere.status_code == 400
        page = await as_viewer.get(keys_url(project), params={"limit": 2, "cursor": following})
        pages.append(page.json())

    assert [len(page["data"]) for page in pages] == [2, 2, 1]
    names = [key["name"] for page in pages for key in page["data"]]
    assert names == [key.name for key in reversed(keys)]


async def test_one_key_is_shown_with_its_revision_even_when_its_provider_is_gone(
    as_viewer: AsyncClient, project: Project
) -> None:
    key = await make_api_key(project, "gone")

    response = await as_viewer.get(keys_url(project, key.id))

    assert response.status_code == 200
    assert response.headers["etag"] == '"0"'
    assert response.json()["provider"] == {"_id": "gone", "name": "", "models": []}


async def test_an_admin_renames_a_key_and_switches_it_off(as_admin: AsyncClient, project: Project) -> None:
    key = await make_api_key(project, "p")
    url = keys_url(project, key.id)

    renamed = await as_admin.patch(url, json={"name": " new "}, headers={"If-Match": '"0"'})
    off = await as_admin.patch(url, json={"is_active": False}, headers={"If-Match": '"1"'})

    assert (renamed.status_code, renamed.json()["name"], renamed.json()["is_active"]) == (200, "new", True)
    assert (off.json()["name"], off.json()["is_active"], off.headers["etag"]) == ("new", False, '"2"')


async def test_of_parallel_changes_from_one_revision_one_wins(
    as_admin: AsyncClient, project: Project
) -> None:
    key = await make_api_key(project, "p")

    responses = await asyncio.gather(
        *(
            as_admin.patch(keys_url(project, key.id), json={"name": f"n{n}"}, headers={"If-Match": '"0"'})
            for n in range(10)
        )
    )

    assert sorted(r.status_code for r in responses) == [200] + [412] * 9
    assert {r.headers["etag"] for r in responses} == {'"1"'}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"name": "n"}, {}, 428),
        ({"name": "n"}, {"If-Match": '"7"'}, 412),
        ({"name": ""}, {"If-Match": '"0"'}, 400),
        ({"key": "sk-other"}, {"If-Match": '"0"'}, 400),
        ({"provider": "other"}, {"If-Match": '"0"'}, 400),
        ({"organization": "other"}, {"If-Match": '"0"'}, 400),
        ({"is_active": "perhaps"}, {"If-Match": '"0"'}, 400),
    ],
)
async def test_other_changes_of_a_key_are_refused(
    as_admin: AsyncClient, project: Project, body: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    key = await make_api_key(project, "p")

    response = await as_admin.patch(keys_url(project, key.id), json=body, headers=headers)

    assert response.status_code == status
    assert await stored(project) == [key.to_stored()]


async def test_an_admin_deletes_a_key(as_admin: AsyncClient, project: Project) -> None:
    key = await make_api_key(project, "p")

    response = await as_admin.delete(keys_url(project, key.id))

    assert (response.status_code, response.json()) == (200, {"message": "API key deleted successfully"})
    assert await stored(project) == []


async def test_a_stale_deletion_is_refused(as_admin: AsyncClient, project: Project) -> None:
    key = await make_api_key(project, "p")

    response = await as_admin.delete(keys_url(project, key.id), headers={"If-Match": '"3"'})

    assert (response.status_code, response.headers["etag"]) == (412, '"0"')


async def test_missing_keys_and_projects_are_told_apart_as_in_the_contract(
    as_admin: AsyncClient, project: Project, other_project: Project, organization: Any
) -> None:
    sibling = await make_project(organization, "Sibling")
    key = await make_api_key(sibling, "p")
    foreign = await make_api_key(other_project, "p")
    nowhere = Project(organization=organization.id, name="nowhere")
    disguised = Project(id=other_project.id, organization=organization.id, name="theirs")

    for url, sentence in [
        (keys_url(project, new_id()), "API key not found in this project"),
        (keys_url(project, key.id), "API key not found in this project"),
        (keys_url(project, foreign.id), "API key not found in this project"),
        (keys_url(nowhere, key.id), "Project not found in this organization"),
        (keys_url(disguised, foreign.id), "Project not found in this organization"),
    ]:
        response = await as_admin.delete(url)
        assert (response.status_code, response.json()["error"]) == (404, sentence)
    response = await as_admin.post(keys_url(nowhere), json=await new_key())
    assert (response.status_code, response.json()["error"]) == (404, "Project not found")
    assert await stored(sibling) == [key.to_stored()]
    assert await stored(other_project) == [foreign.to_stored()]


@pytest.mark.parametrize(
    "use", [{"api_key": "{key}"}, {"api_key": "x", "question_suggestions": {"api_key": "{key}"}}]
)
async def test_a_key_in_use_stays_and_its_dependants_are_listed(
    as_admin: AsyncClient, runtime: Runtime, project: Project, other_project: Project, use: dict[str, Any]
) -> None:
    key = await make_api_key(project, "p")
    fields = {
        name: key.id if value == "{key}" else {"api_key": key.id} if isinstance(value, dict) else value
        for name, value in use.items()
    }
    agent_id = await add_agent(runtime, project, **fields)
    await add_agent(runtime, other_project, **fields)

    refused = await as_admin.delete(keys_url(project, key.id))
    forced = await as_admin.delete(keys_url(project, key.id), params={"force": "true"})

    assert (refused.status_code, refused.json()["code"]) == (409, "CREDENTIAL_IN_USE")
    assert refused.json()["dependants"] == [
        {"type": "agents", "count": 1, "items": [{"id": agent_id, "name": "helper"}]}
    ]
    assert forced.status_code == 200


STATUSES = {
    "member": {"GET": 200, "POST": 400, "PATCH": 403, "DELETE": 403},
    "viewer": {"GET": 200, "POST": 403, "PATCH": 403, "DELETE": 403},
    "outsider": {"GET": 403, "POST": 403, "PATCH": 403, "DELETE": 403},
    "nobody": {"GET": 401, "POST": 401, "PATCH": 401, "DELETE": 401},
}


async def test_roles_decide_who_may_do_what(
    as_member: AsyncClient,
    as_viewer: AsyncClient,
    as_outsider: AsyncClient,
    as_nobody: AsyncClient,
    project: Project,
) -> None:
    clients = {"member": as_member, "viewer": as_viewer, "outsider": as_outsider, "nobody": as_nobody}
    key = await make_api_key(project, "p")

    found = {
        who: {
            method: (await client.request(method, url, json={})).status_code
            for method, url in [
                ("GET", keys_url(project, key.id)),
                ("POST", keys_url(project)),
                ("PATCH", keys_url(project, key.id)),
                ("DELETE", keys_url(project, key.id)),
            ]
        }
        for who, client in clients.items()
    }

    assert found == STATUSES
    assert await stored(project) == [key.to_stored()]
