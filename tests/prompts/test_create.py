"""Making prompts through HTTP."""

import asyncio
from typing import Any

import httpx2
import pytest

from crafter.core.ids import new_id
from crafter.projects.documents import Project
from crafter.prompts.documents import Prompt
from tests.factories import make_prompt
from tests.prompts.addresses import prompts_url

FULL = {
    "name": "greeting",
    "title": "Greeting",
    "description": "Says hello",
    "content": "Say hello to {{name}}.",
    "system_prompt": "You are kind.",
    "tags": ["welcome", "mail"],
    "is_template": True,
    "variables": [
        {"name": "name", "type": "string", "description": "Whom to greet"},
        {"name": "times", "type": "number", "default_value": 2},
    ],
}


async def test_a_name_is_enough(as_member: httpx2.AsyncClient, project: Project) -> None:
    response = await as_member.post(prompts_url(project), json={"name": " greet "})

    body = response.json()
    assert response.status_code == 201
    assert response.headers["etag"] == '"0"'
    times = (body.pop("createdAt"), body.pop("updatedAt"))
    assert times[0] == times[1]
    assert body.pop("_id")
    assert body == {
        "labels": {},
        "name": "greet",
        "project": project.id,
        "version": 1,
        "__v": 0,
        "tags": [],
        "is_template": False,
        "variables": [],
    }


async def test_all_that_is_given_is_kept(as_member: httpx2.AsyncClient, project: Project) -> None:
    made = (await as_member.post(prompts_url(project), json=FULL)).json()

    read = (await as_member.get(prompts_url(project, f"/{made['_id']}"))).json()

    assert read == made
    assert {name: read[name] for name in FULL} == FULL
    assert "id" not in read
    assert "api_key" not in read
    assert "llm_settings" not in read


async def test_the_stored_prompt_has_the_contracts_fields_and_lacks_what_was_not_given(
    as_member: httpx2.AsyncClient, project: Project
) -> None:
    made = (await as_member.post(prompts_url(project), json={"name": "bare", "content": None})).json()

    raw = await Prompt.within(project.scope).find_one({"_id": made["_id"]})
    assert raw is not None
    assert (raw["name"], raw["project"], raw["version"], raw["__v"]) == ("bare", project.id, 1, 0)
    assert not {"description", "content", "system_prompt", "api_key", "llm_settings", "title"} & set(raw)


@pytest.mark.parametrize(
    "name", ["", "  ", "Greet", "greet-me", "greet me", "grüß", "a" * 101, "a\nb", 7, {"$ne": None}, None]
)
async def test_a_name_has_only_lowercase_letters_digits_and_underscores(
    as_member: httpx2.AsyncClient, project: Project, name: Any
) -> None:
    response = await as_member.post(prompts_url(project), json={"name": name})

    [error] = response.json()["errors"]
    assert response.status_code == 400
    assert error["path"] == "name"
    if name is not None:
        assert error["msg"] == "Name can only contain lowercase letters, numbers, and underscores"


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("content", 5, "content"),
        ("content", ["x"], "content"),
        ("content", "é" * (128 * 1024 + 1), "content"),
        ("system_prompt", {"$gt": ""}, "system_prompt"),
        ("description", 5, "description"),
        ("title", "", "title"),
        ("title", "x" * 201, "title"),
        ("tags", "mail", "tags"),
        ("tags", [""], "tags[0]"),
        ("tags", [{"$ne": 1}], "tags[0]"),
        ("tags", ["x" * 51], "tags[0]"),
        ("tags", [f"t{n}" for n in range(33)], "tags"),
        ("is_template", "perhaps", "is_template"),
        ("variables", [{"name": "a"}], "variables[0].type"),
        ("variables", [{"name": "a", "type": "date"}], "variables[0].type"),
        ("variables", [{"type": "string"}], "variables[0].name"),
        ("variables", [{"name": "a.b", "type": "string"}], "variables[0].name"),
        ("variables", [{"name": "", "type": "string"}], "variables[0].name"),
        ("variables", [{"name": "a", "type": "string"}] * 2, "variables"),
        ("variables", [{"name": f"v{n}", "type": "string"} for n in range(65)], "variables"),
        ("variables", [{"name": "a", "type": "number", "default_value": "2"}], "variables[0].default_value"),
        ("variables", [{"name": "a", "type": "number", "default_value": True}], "variables[0].default_value"),
        ("variables", [{"name": "a", "type": "boolean", "default_value": 1}], "variables[0].default_value"),
        ("variables", [{"name": "a", "type": "array", "default_value": {}}], "variables[0].default_value"),
        (
            "variables",
            [{"name": "a", "type": "array", "default_value": [{"$x": 1}]}],
            "variables[0].default_value",
        ),
    ],
)
async def test_a_wrong_field_is_named(
    as_member: httpx2.AsyncClient, project: Project, field: str, value: Any, path: str
) -> None:
    response = await as_member.post(prompts_url(project), json={"name": "greet", field: value})

    assert response.status_code == 400
    assert [error["path"] for error in response.json()["errors"]] == [path]
    assert await Prompt.within(project.scope).count({}) == 0


async def test_content_may_have_256_kib(as_member: httpx2.AsyncClient, project: Project) -> None:
    response = await as_member.post(
        prompts_url(project), json={"name": "long", "content": "é" * (128 * 1024)}
    )

    assert response.status_code == 201


async def test_a_tag_counts_once(as_member: httpx2.AsyncClient, project: Project) -> None:
    response = await as_member.post(prompts_url(project), json={"name": "a", "tags": ["x", " x ", "y"]})

    assert response.json()["tags"] == ["x", "y"]


async def test_a_name_is_taken_once_in_a_project(
    as_member: httpx2.AsyncClient, as_outsider: httpx2.AsyncClient, project: Project, other_project: Project
) -> None:
    await make_prompt(project, name="greet")

    again = await as_member.post(prompts_url(project), json={"name": "greet"})
    elsewhere = await as_outsider.post(prompts_url(other_project), json={"name": "greet"})

    assert again.status_code == 400
    assert (again.json()["error"], again.json()["code"]) == (
        "Prompt name already exists in this project",
        "PROMPT_NAME_TAKEN",
    )
    assert elsewhere.status_code == 201


async def test_of_many_who_want_a_name_one_gets_it(as_member: httpx2.AsyncClient, project: Project) -> None:
    responses = await asyncio.gather(
        *(as_member.post(prompts_url(project), json={"name": "greet"}) for _ in range(20))
    )

    assert sorted(response.status_code for response in responses) == [201] + [400] * 19
    assert await Prompt.within(project.scope).count({}) == 1


async def test_the_project_must_be_one_of_the_organization(
    as_member: httpx2.AsyncClient, project: Project, other_project: Project
) -> None:
    for project_id in (other_project.id, new_id()):
        url = f"/organizations/{project.organization}/projects/{project_id}/prompts"
        response = await as_member.post(url, json={"name": "greet"})

        assert response.status_code == 404
        assert response.json()["error"] == "Project not found in this organization"


async def test_a_viewer_may_not_make_one(as_viewer: httpx2.AsyncClient, project: Project) -> None:
    response = await as_viewer.post(prompts_url(project), json={"name": "greet"})

    assert response.status_code == 403
    assert response.json()["error"] == "Access denied: member role required"
