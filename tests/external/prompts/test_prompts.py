"""Programs run prompts."""

from typing import Any

import httpx2
import pytest

from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from crafter.prompt_execution.documents import PromptExecution
from crafter.prompts.documents import Prompt
from crafter.user_api_keys.documents import UserApiKey
from tests.factories import make_key, make_project, make_prompt
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply
from tests.fixtures import Cast
from tests.programs import stored_key

USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 2},
}


@pytest.fixture
async def prompt(cast: Cast, runtime: Runtime) -> Prompt:
    key = await make_key(cast.project, runtime.keyring)
    prompt: Prompt = await make_prompt(cast.project, name="greet", key=key)
    return prompt


def url(prompt: Prompt, name: str | None = None) -> str:
    place = f"/external/organizations/{prompt.organization}/projects/{prompt.project}"
    return f"{place}/prompts/{name or prompt.name}/execute"


async def test_the_answer_has_the_contracts_shape(
    as_program: httpx2.AsyncClient, prompt: Prompt, provider: FakeProvider
) -> None:
    provider.script(Reply("Hello, Ada!", usage=USAGE))

    response = await as_program.post(url(prompt), json={"variables": {"name": "Ada"}})

    body = response.json()
    assert response.status_code == 200
    execution_id = body["data"].pop("execution_id")
    assert body == {
        "success": True,
        "data": {
            "result": "Hello, Ada!",
            "usage": {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 15,
                "cached_tokens": 2,
                "cost": 4.23e-06,
            },
            "cached": False,
            "prompt_name": "greet",
            "model": "gpt-4o-mini",
        },
    }
    assert provider.requests[-1].last_words == "Say hello to Ada."
    assert await PromptExecution.within(prompt.scope).count({"_id": execution_id}) == 1


async def test_each_run_is_one_use_of_the_key_and_the_cache_serves_programs_and_people(
    as_program: httpx2.AsyncClient,
    as_member: httpx2.AsyncClient,
    prompt: Prompt,
    key: UserApiKey,
    provider: FakeProvider,
) -> None:
    body = {"variables": {"name": "Ada"}}
    people = f"/proxy/organizations/{prompt.organization}/projects/{prompt.project}/execute/{prompt.name}"

    first = (await as_program.post(url(prompt), json=body)).json()["data"]
    again = (await as_program.post(url(prompt), json=body)).json()["data"]
    person = (await as_member.post(people, json=body)).json()

    assert (first["cached"], again["cached"], person["cached"]) == (False, True, True)
    assert first["result"] == again["result"] == person["result"]
    assert len(provider.requests) == 1
    assert (await stored_key(key))["usage"]["total_requests"] == 2


@pytest.mark.parametrize(
    ("fields", "status", "code", "sentence"),
    [
        ({"content": None}, 400, "PROMPT_NOT_CONFIGURED", "Prompt content not configured"),
        (
            {"api_key": None},
            400,
            "PROMPT_API_KEY_NOT_CONFIGURED",
            "No API key configured for this prompt",
        ),
        ({"name": "other"}, 404, "PROMPT_NOT_FOUND", "Prompt not found"),
    ],
)
async def test_a_prompt_that_cannot_be_run_says_why(
    as_program: httpx2.AsyncClient,
    prompt: Prompt,
    fields: dict[str, Any],
    status: int,
    code: str,
    sentence: str,
) -> None:
    await Prompt.within(prompt.scope).update_one({"_id": prompt.id}, {"$set": fields})

    response = await as_program.post(url(prompt), json={})

    body = response.json()
    assert (response.status_code, body["code"], body["error"]) == (status, code, sentence)


async def test_the_prompt_of_another_project_is_not_found(
    as_program: httpx2.AsyncClient, cast: Cast, prompt: Prompt
) -> None:
    await make_prompt(await make_project(cast.organization, "Second"), name="elsewhere")

    for name in ("elsewhere", "nobody"):
        response = await as_program.post(url(prompt, name), json={})
        assert (response.status_code, response.json()["code"]) == (404, "PROMPT_NOT_FOUND")


@pytest.mark.parametrize("variables", [[], "x", 1, {"$where": "1"}])
async def test_variables_must_be_an_object(
    as_program: httpx2.AsyncClient, prompt: Prompt, variables: Any
) -> None:
    response = await as_program.post(url(prompt), json={"variables": variables})

    assert response.status_code == 400
    assert response.json()["errors"][0]["path"].startswith("variables")


async def test_variables_may_be_null(as_program: httpx2.AsyncClient, prompt: Prompt) -> None:
    assert (await as_program.post(url(prompt), json={"variables": None})).status_code == 200


async def test_a_provider_that_fails_is_a_failed_execution(
    as_program: httpx2.AsyncClient, prompt: Prompt, provider: FakeProvider
) -> None:
    provider.script(Failure(500, "boom"))

    response = await as_program.post(url(prompt), json={})

    body = response.json()
    assert (response.status_code, body["code"]) == (502, "EXECUTION_FAILED")
    assert body["error"] == "Failed to execute prompt"
    assert "boom" in body["details"]


async def test_a_key_without_the_scope_runs_no_prompt(
    as_program: httpx2.AsyncClient, prompt: Prompt, key: UserApiKey, provider: FakeProvider
) -> None:
    await UserApiKey.within(key.scope).update_one({"_id": key.id}, {"$set": {"scopes": ["agents:chat"]}})

    response = await as_program.post(url(prompt), json={})

    assert (response.status_code, response.json()["required_scopes"]) == (403, ["prompts:execute"])
    assert len(provider.requests) == 0


async def test_a_deleted_provider_key_is_said(as_program: httpx2.AsyncClient, prompt: Prompt) -> None:
    await ApiKey.within(prompt.scope).delete_one({"_id": prompt.api_key})

    response = await as_program.post(url(prompt), json={})

    assert (response.status_code, response.json()["code"]) == (400, "PROMPT_API_KEY_NOT_CONFIGURED")
