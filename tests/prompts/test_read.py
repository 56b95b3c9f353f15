"""Finding prompts: lists, filters, by name, and inside their project."""

import httpx2
import pytest

from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from crafter.prompts.documents import Prompt
from tests.factories import make_prompt
from tests.prompts.addresses import prompt_url, prompts_url


@pytest.fixture
async def prompts(project: Project, other_project: Project) -> None:
    await make_prompt(project, name="mail_reply", tags=["mail", "support"])
    await make_prompt(project, name="mail_offer", tags=["mail", "sales"], is_template=True)
    await make_prompt(project, name="chat", tags=["support"])
    await make_prompt(project, name="bare")
    await make_prompt(other_project, name="theirs", tags=["mail"])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["bare", "chat", "mail_offer", "mail_reply"]),
        ("tags=mail", ["mail_offer", "mail_reply"]),
        ("tags=sales&tags=support", ["chat", "mail_offer", "mail_reply"]),
        ("tags=sales&tags=support&match=all", []),
        ("tags=mail&tags=support&match=all", ["mail_reply"]),
        ("tags=nothing", []),
        ("is_template=true", ["mail_offer"]),
        ("is_template=false", ["bare", "chat", "mail_reply"]),
        ("is_template=false&tags=mail", ["mail_reply"]),
        ("name=mail_", ["mail_offer", "mail_reply"]),
        ("name=mail_&tags=sales", ["mail_offer"]),
        ("name=ail", []),
        ("name=.*", []),
    ],
)
async def test_a_list_is_filtered_and_in_the_order_of_names(
    as_viewer: httpx2.AsyncClient, project: Project, prompts: None, query: str, names: list[str]
) -> None:
    body = (await as_viewer.get(prompts_url(project, f"?{query}"))).json()

    assert [prompt["name"] for prompt in body["prompts"]] == names
    assert (body["total"], body["page"], body["limit"]) == (len(names), 1, 10)


async def test_a_list_is_paged(as_viewer: httpx2.AsyncClient, project: Project, prompts: None) -> None:
    body = (await as_viewer.get(prompts_url(project, "?page=2&limit=3"))).json()

    assert (body["total"], body["page"], body["limit"]) == (4, 2, 3)
    assert [prompt["name"] for prompt in body["prompts"]] == ["mail_reply"]


@pytest.mark.parametrize("query", ["limit=abc", "is_template=perhaps", "match=some", "tags=" + "x" * 51])
async def test_a_wrong_filter_is_refused(as_viewer: httpx2.AsyncClient, project: Project, query: str) -> None:
    response = await as_viewer.get(prompts_url(project, f"?{query}"))

    assert response.status_code == 400
    assert response.json()["errors"][0]["location"] == "query"


async def test_a_list_leaves_the_texts_out(as_viewer: httpx2.AsyncClient, project: Project) -> None:
    await make_prompt(project, title="Greeting", description="d", system_prompt="s", tags=["a"])

    [entry] = (await as_viewer.get(prompts_url(project))).json()["prompts"]

    assert set(entry) == {
        *("_id", "name", "title", "description", "project", "version", "tags", "is_template"),
        *("labels", "createdAt", "updatedAt", "__v"),
    }


async def test_a_prompt_that_the_node_server_wrote_has_the_defaults(
    as_viewer: httpx2.AsyncClient, project: Project
) -> None:
    prompt = await make_prompt(project)
    ours = dict.fromkeys(("tags", "is_template", "variables", "version_created_at"), "")
    await Prompt.within(project.scope).update_one({"_id": prompt.id}, {"$unset": ours})

    body = (await as_viewer.get(prompt_url(prompt))).json()
    listed = (await as_viewer.get(prompts_url(project, "?is_template=false"))).json()["prompts"]

    assert (body["tags"], body["is_template"], body["variables"]) == ([], False, [])
    assert [entry["_id"] for entry in listed] == [prompt.id]


@pytest.mark.parametrize("name", ["greet", "GREET", "Greet"])
async def test_a_prompt_is_found_by_its_name_in_any_case(
    as_viewer: httpx2.AsyncClient, project: Project, name: str
) -> None:
    prompt = await make_prompt(project, name="greet")

    response = await as_viewer.get(prompts_url(project, f"/by-name/{name}"))

    assert (response.status_code, response.headers["etag"]) == (200, '"0"')
    assert response.json() == (await as_viewer.get(prompt_url(prompt))).json()


async def test_a_name_that_nobody_here_has_is_not_found(
    as_viewer: httpx2.AsyncClient, project: Project, other_project: Project
) -> None:
    await make_prompt(other_project, name="theirs")

    for name in ("theirs", "nobodys", "gre"):
        response = await as_viewer.get(prompts_url(project, f"/by-name/{name}"))

        assert (response.status_code, response.json()["error"]) == (404, "Prompt not found")


async def test_any_name_can_be_asked_for_even_those_of_other_routes(
    as_viewer: httpx2.AsyncClient, project: Project
) -> None:
    prompt = await make_prompt(project, name="versions")

    response = await as_viewer.get(prompts_url(project, "/by-name/versions"))

    assert response.json()["_id"] == prompt.id


async def test_a_project_lists_its_prompts_in_short(
    as_viewer: httpx2.AsyncClient, project: Project, other_project: Project, runtime: Runtime
) -> None:
    described = await make_prompt(project, name="b", description="Says hello", system_prompt="s")
    bare = await make_prompt(project, name="a")
    await make_prompt(other_project, name="theirs")

    body = (await as_viewer.get(f"/organizations/{project.organization}/projects/{project.id}")).json()

    first, second = body["prompts"]
    assert set(first) == {"_id", "name", "project", "createdAt", "updatedAt"}
    assert first["_id"] == bare.id
    assert set(second) == {"_id", "name", "description", "project", "createdAt", "updatedAt"}
    assert (second["_id"], second["name"], second["description"], second["project"]) == (
        described.id,
        "b",
        "Says hello",
        project.id,
    )
