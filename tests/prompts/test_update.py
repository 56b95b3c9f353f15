"""Changing and deleting prompts: what is merged, what is replaced, what is checked."""

from typing import Any

import httpx2
import pytest

from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from crafter.prompts.documents import Prompt, PromptVersion
from crafter.prompts.settings import PromptParameters, PromptSettings
from crafter.providers.documents import Provider
from tests.factories import make_key, make_prompt
from tests.prompts.addresses import prompt_url

FORM = {
    "content": "New",
    "system_prompt": "",
    "llm_settings": {
        "model": "gpt-4o-mini",
        "parameters": {
            "temperature": 0.7,
            "max_tokens": 100,
            "top_p": 1,
            "frequency_penalty": 0,
            "presence_penalty": -0.5,
        },
    },
}
"""What the web UI sends."""


@pytest.fixture
async def prompt(project: Project) -> Prompt:
    made: Prompt = await make_prompt(project, description="old", system_prompt="Be kind.", tags=["a"])
    return made


async def change(client: httpx2.AsyncClient, prompt: Prompt, **body: Any) -> dict[str, Any]:
    response = await client.put(prompt_url(prompt), json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def refused(client: httpx2.AsyncClient, prompt: Prompt, **body: Any) -> dict[str, Any]:
    response = await client.put(prompt_url(prompt), json=body)
    assert response.status_code in (400, 404), response.text
    assert (await client.get(prompt_url(prompt))).headers["etag"] == '"0"'
    answer: dict[str, Any] = {"status": response.status_code, **response.json()}
    return answer


async def test_the_form_of_the_web_ui_is_stored_and_the_key_comes_back_with_its_provider(
    as_member: httpx2.AsyncClient, prompt: Prompt, key: ApiKey
) -> None:
    body = await change(as_member, prompt, **FORM, api_key=key.id)

    provider = await Provider.collection().find_one({"name": "openai"})
    assert provider is not None
    assert body["api_key"] == {
        "_id": key.id,
        "name": key.name,
        "provider": {"_id": provider["_id"], "name": "openai", "models": provider["models"]},
    }
    assert (body["content"], body["system_prompt"], body["version"]) == ("New", "", 2)
    assert body["llm_settings"] == FORM["llm_settings"]
    read = (await as_member.get(prompt_url(prompt))).json()
    assert read == {**body, "api_key": key.id}


async def test_what_is_absent_or_null_stays(as_member: httpx2.AsyncClient, prompt: Prompt) -> None:
    body = await change(as_member, prompt, description="new", system_prompt=None, content=None, tags=None)

    assert (body["description"], body["system_prompt"], body["content"], body["tags"]) == (
        "new",
        "Be kind.",
        prompt.content,
        ["a"],
    )
    assert body["version"] == 1


async def test_the_name_cannot_change(as_member: httpx2.AsyncClient, prompt: Prompt) -> None:
    body = await change(as_member, prompt, name="other", project="x", organization="y", version=9)

    assert (body["name"], body["project"], body["version"]) == ("greet", prompt.project, 1)


async def test_the_model_stays_and_the_parameters_are_replaced(
    as_member: httpx2.AsyncClient, project: Project
) -> None:
    settings = PromptSettings(model="gpt-4o", parameters=PromptParameters(temperature=0.1, max_tokens=5))
    prompt = await make_prompt(project, llm_settings=settings)

    first = await change(
        as_member, prompt, llm_settings={"model": "", "parameters": {"top_p": 0.5, "seed": 7}}
    )
    second = await change(as_member, prompt, llm_settings={"model": "gpt-4o-mini"})

    assert first["llm_settings"] == {"model": "gpt-4o", "parameters": {"top_p": 0.5}}
    assert second["llm_settings"] == {"model": "gpt-4o-mini", "parameters": {"top_p": 0.5}}


async def test_settings_appear_when_they_are_first_set(as_member: httpx2.AsyncClient, prompt: Prompt) -> None:
    nothing = await change(as_member, prompt, llm_settings={})
    something = await change(as_member, prompt, llm_settings={"parameters": {"temperature": 1}})

    assert "llm_settings" not in nothing
    assert something["llm_settings"] == {"parameters": {"temperature": 1}}


async def test_a_blank_or_null_key_is_not_given(
    as_member: httpx2.AsyncClient, prompt: Prompt, key: ApiKey
) -> None:
    await change(as_member, prompt, api_key=key.id)

    for blank in ("", None):
        assert (await change(as_member, prompt, api_key=blank))["api_key"]["_id"] == key.id


async def test_the_key_must_be_one_of_the_project(
    as_member: httpx2.AsyncClient, prompt: Prompt, other_project: Project, runtime: Runtime
) -> None:
    foreign = await make_key(other_project, runtime.keyring)

    for key_id in (foreign.id, "nowhere"):
        body = await refused(as_member, prompt, api_key=key_id)

        assert (body["status"], body["error"]) == (404, "API key not found in this project")


async def test_a_model_that_comes_with_a_key_must_be_one_of_its_provider(
    as_member: httpx2.AsyncClient, prompt: Prompt, key: ApiKey
) -> None:
    body = await refused(as_member, prompt, api_key=key.id, llm_settings={"model": "gpt-4o-min"})

    assert (body["status"], body["error"]) == (400, "Invalid model for selected provider")
    assert "gpt-4o-mini" in body["nearest"]


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"temperature": 1.01}, "temperature"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"top_p": 1.01}, "top_p"),
        ({"frequency_penalty": 2.01}, "frequency_penalty"),
        ({"presence_penalty": {"$gt": 1}}, "presence_penalty"),
    ],
)
async def test_a_parameter_out_of_range_is_named(
    as_member: httpx2.AsyncClient, prompt: Prompt, parameters: dict[str, Any], name: str
) -> None:
    body = await refused(as_member, prompt, llm_settings={"parameters": parameters})

    assert [error["path"] for error in body["errors"]] == [f"llm_settings.parameters.{name}"]


async def test_a_stale_change_is_refused(as_member: httpx2.AsyncClient, prompt: Prompt) -> None:
    await change(as_member, prompt, description="theirs")

    response = await as_member.put(prompt_url(prompt), json={"content": "mine"}, headers={"If-Match": '"0"'})

    assert (response.status_code, response.headers["etag"]) == (412, '"1"')
    read = (await as_member.get(prompt_url(prompt))).json()
    assert (read["description"], read["version"]) == ("theirs", 1)


async def test_a_key_in_use_cannot_be_deleted_by_surprise(
    as_admin: httpx2.AsyncClient, project: Project, key: ApiKey
) -> None:
    prompt = await make_prompt(project, key=key)
    url = f"/organizations/{project.organization}/projects/{project.id}/api-keys/{key.id}"

    response = await as_admin.delete(url)
    forced = await as_admin.delete(f"{url}?force=true")

    assert response.status_code == 409
    assert response.json()["dependants"] == [
        {"type": "prompts", "count": 1, "items": [{"id": prompt.id, "name": "greet"}]}
    ]
    assert forced.status_code == 200
    assert (await change(as_admin, prompt, description="x"))["api_key"] == key.id


async def test_a_deleted_prompt_is_gone_with_its_versions(
    as_admin: httpx2.AsyncClient, prompt: Prompt
) -> None:
    await change(as_admin, prompt, content="second")

    response = await as_admin.delete(prompt_url(prompt))

    assert (response.status_code, response.json()) == (200, {"message": "Prompt deleted successfully"})
    for tail in ("", "/versions", "/versions/1"):
        again = await as_admin.get(prompt_url(prompt, tail))
        assert (again.status_code, again.json()["error"]) == (404, "Prompt not found")
    assert await PromptVersion.within(prompt.scope).count({}) == 0


async def test_only_an_admin_deletes_and_not_by_a_stale_revision(
    as_admin: httpx2.AsyncClient, as_member: httpx2.AsyncClient, prompt: Prompt
) -> None:
    await change(as_admin, prompt, description="new")

    as_a_member = await as_member.delete(prompt_url(prompt))
    stale = await as_admin.delete(prompt_url(prompt), headers={"If-Match": '"0"'})

    assert as_a_member.status_code == 403
    assert as_a_member.json()["error"] == "Access denied: admin role required"
    assert (stale.status_code, stale.headers["etag"]) == (412, '"1"')
    assert (await as_member.get(prompt_url(prompt))).status_code == 200


async def test_a_project_with_prompts_cannot_be_deleted(
    as_admin: httpx2.AsyncClient, project: Project, prompt: Prompt
) -> None:
    response = await as_admin.delete(f"/organizations/{project.organization}/projects/{project.id}")

    assert response.status_code == 409
    assert [entry["type"] for entry in response.json()["dependants"]] == ["prompts"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_prompt_of_another_project_is_not_found(
    as_admin: httpx2.AsyncClient, project: Project, other_project: Project, method: str
) -> None:
    foreign = await make_prompt(other_project)
    url = f"/organizations/{project.organization}/projects/{project.id}/prompts"

    for prompt_id in (foreign.id, "nowhere"):
        response = await as_admin.request(method, f"{url}/{prompt_id}", json={"content": "mine"})

        assert (response.status_code, response.json()["error"]) == (404, "Prompt not found")
