"""What is answered when a prompt cannot be run, and what of it is noted."""

import asyncio
from typing import Any

import httpx2
import pytest

from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from crafter.core.tasks import TaskGroup
from crafter.projects.documents import Project
from crafter.prompt_execution.documents import PromptExecution
from crafter.prompts.documents import Prompt
from crafter.prompts.settings import PromptSettings
from crafter.providers.documents import Provider
from tests.factories import make_prompt
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import FAULTS, Failure, Reply, Script
from tests.prompt_execution.running import execute_url, executions_url, history, usage_of


async def answer_of(client: httpx2.AsyncClient, prompt: Prompt) -> tuple[int, str, str]:
    """Status, code and sentence."""
    response = await client.post(execute_url(prompt), json={"variables": {"name": "Ada"}})
    body = response.json()
    return response.status_code, body["code"], body["error"]


@pytest.mark.parametrize(
    ("fields", "status", "code", "error"),
    [
        ({"content": None}, 400, "PROMPT_NOT_CONFIGURED", "Prompt content not configured"),
        ({"content": ""}, 400, "PROMPT_NOT_CONFIGURED", "Prompt content not configured"),
        ({"api_key": None}, 400, "PROMPT_API_KEY_NOT_CONFIGURED", "No API key configured for this prompt"),
        ({"api_key": "gone"}, 400, "PROMPT_API_KEY_NOT_CONFIGURED", "No API key configured for this prompt"),
        ({"llm_settings": None}, 400, "MODEL_REQUIRED", "LLM settings with model required"),
        ({"llm_settings": PromptSettings()}, 400, "MODEL_REQUIRED", "LLM settings with model required"),
        ({"content": "{{x"}, 400, "INVALID_TEMPLATE", "Unclosed tag at line 1, column 1"),
        ({"system_prompt": "a {{/x}}"}, 400, "INVALID_TEMPLATE", 'Unopened section "x" at line 1, column 3'),
    ],
)
async def test_a_prompt_that_cannot_be_run_says_why(
    as_member: httpx2.AsyncClient,
    project: Project,
    key: ApiKey,
    provider: FakeProvider,
    fields: dict[str, Any],
    status: int,
    code: str,
    error: str,
) -> None:
    prompt = await make_prompt(project, key=key, **fields)

    assert await answer_of(as_member, prompt) == (status, code, error)
    assert len(provider.requests) == 0
    assert await history(as_member, prompt) == []


@pytest.mark.parametrize("field", ["content", "system_prompt"])
async def test_a_broken_template_is_said_with_its_text_and_place(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey, field: str
) -> None:
    prompt = await make_prompt(project, key=key, **{field: "Hi\n{{#a}}"})

    body = (await as_member.post(execute_url(prompt))).json()

    assert (body["field"], body["position"]) == (field, 3)


async def test_a_text_that_would_be_too_large_is_refused(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey, provider: FakeProvider
) -> None:
    prompt = await make_prompt(project, key=key, content="{{#a}}{{x}}{{/a}}")
    variables = {"a": [1] * 2_000, "x": "x" * 1_000}

    response = await as_member.post(execute_url(prompt), json={"variables": variables})

    assert (response.status_code, response.json()["code"]) == (400, "RENDERING_TOO_LARGE")
    assert len(provider.requests) == 0


async def test_an_unknown_prompt_is_not_found_wherever_it_is_looked_for(
    as_member: httpx2.AsyncClient, project: Project, other_project: Project
) -> None:
    foreign = await make_prompt(other_project, name="theirs")
    base = f"/proxy/organizations/{project.organization}/projects"

    for url in (
        f"{base}/{project.id}/execute/theirs",
        f"{base}/{project.id}/execute/nobodys",
        f"{base}/{other_project.id}/execute/theirs",
        f"{base}/nowhere/execute/theirs",
    ):
        response = await as_member.post(url, json={})

        assert (response.status_code, response.json()["error"]) == (404, "Prompt not found")
    for prompt_id in (foreign.id, "nowhere"):
        response = await as_member.get(f"{base}/{project.id}/prompts/{prompt_id}/executions")

        assert (response.status_code, response.json()["error"]) == (404, "Prompt not found")


async def test_outsiders_are_told_nothing(as_outsider: httpx2.AsyncClient, prompt: Prompt) -> None:
    for response in (
        await as_outsider.post(execute_url(prompt)),
        await as_outsider.get(executions_url(prompt)),
    ):
        assert response.status_code == 403
        assert response.json()["error"] == "Access denied: Not a member of this organization"


async def test_a_key_that_cannot_be_decrypted_is_said(
    as_member: httpx2.AsyncClient, prompt: Prompt, key: ApiKey
) -> None:
    broken = key.key[:-4] + ("AAAA" if key.key[-4:] != "AAAA" else "BBBB")
    await ApiKey.within(key.scope).update_one({"_id": key.id}, {"$set": {"key": broken}})

    status, code, _ = await answer_of(as_member, prompt)

    assert (status, code) == (409, "SECRET_UNREADABLE")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"retired_models": ["gpt-4o-mini"]}, "MODEL_RETIRED"),
        ({"capabilities": {"chat_completion": False}}, "CAPABILITY_MISSING"),
    ],
)
async def test_a_model_that_cannot_be_asked_is_said_before_it_is(
    as_member: httpx2.AsyncClient, prompt: Prompt, provider: FakeProvider, change: dict[str, Any], code: str
) -> None:
    before = await Provider.collection().find_one_and_update({"name": "openai"}, {"$set": change})
    assert before is not None
    try:
        answer = await answer_of(as_member, prompt)
    finally:
        await Provider.collection().replace_one({"_id": before["_id"]}, before)

    assert answer[:2] == (422, code)
    assert len(provider.requests) == 0


@pytest.mark.parametrize(
    ("reply", "status", "code", "said"),
    [
        (Failure(401, "Incorrect API key provided: {key}"), 502, "PROVIDER_ERROR", "401 Incorrect API key"),
        (Failure(429, "Slow down."), 502, "PROVIDER_RATE_LIMITED", "429 Slow down."),
        (Failure(500, "boom"), 502, "PROVIDER_ERROR", "500 boom"),
        (FAULTS["bad JSON"], 502, "PROVIDER_ERROR", "could not be understood"),
        (FAULTS["refuse"], 502, "PROVIDER_ERROR", ""),
        (FAULTS["hang before head"], 504, "PROVIDER_TIMEOUT", "not complete in time"),
    ],
    ids=["401", "429", "500", "bad JSON", "refuse", "hang"],
)
async def test_a_failure_of_the_vendor_has_the_contracts_sentence_and_is_noted(
    as_member: httpx2.AsyncClient,
    prompt: Prompt,
    key: ApiKey,
    provider: FakeProvider,
    reply: Script,
    status: int,
    code: str,
    said: str,
) -> None:
    provider.script(reply)

    response = await as_member.post(execute_url(prompt), json={"variables": {"name": "Ada"}})

    body = response.json()
    assert (response.status_code, body["code"], body["error"]) == (status, code, "Failed to execute prompt")
    assert body["details"].startswith("openai API Error: ")
    assert said in body["details"]
    assert "sk-live" not in response.text
    [execution] = await history(as_member, prompt)
    assert (execution["status"], execution["error"]) == ("error", {"message": body["details"], "code": code})
    read = 5 if status == 504 else 0  # who is hung up on has read the prompt
    assert execution["usage"]["total_tokens"] == execution["usage"]["prompt_tokens"] == read
    assert (execution["usage"]["cost"] > 0) == (read > 0)
    assert execution["metadata"] == {"model": "gpt-4o-mini"}
    assert (await usage_of(key))["total_tokens"] == read


async def test_a_run_that_a_stop_interrupts_says_so_and_is_noted(
    as_member: httpx2.AsyncClient, prompt: Prompt, runtime: Runtime, provider: FakeProvider
) -> None:
    gate = asyncio.Event()
    provider.script(Reply("never", gate=gate, gate_after=0))
    tasks, runtime.tasks = runtime.tasks, TaskGroup()
    try:
        caller = asyncio.create_task(answer_of(as_member, prompt))
        await provider.received()
        runtime.tasks.stop_within(0)

        status, code, _ = await caller
    finally:
        runtime.tasks = tasks

    assert (status, code) == (503, "EXECUTION_INTERRUPTED")
    [execution] = await history(as_member, prompt)
    assert (execution["status"], execution["error"]["code"]) == ("error", "EXECUTION_INTERRUPTED")


async def test_the_history_has_the_contracts_shape_and_is_paged(
    as_member: httpx2.AsyncClient, as_viewer: httpx2.AsyncClient, prompt: Prompt
) -> None:
    for name in ("a", "b", "a"):
        await as_member.post(execute_url(prompt), json={"variables": {"name": name}})

    body = (await as_viewer.get(executions_url(prompt) + "?page=2&limit=2")).json()
    newest = (await as_viewer.get(executions_url(prompt))).json()

    assert (body["total"], body["page"], body["limit"]) == (3, 2, 2)
    assert [execution["status"] for execution in newest["executions"]] == ["cached", "success", "success"]
    assert (newest["page"], newest["limit"]) == (1, 10)
    [oldest] = body["executions"]
    assert oldest == newest["executions"][2]
    assert set(oldest) == {
        *(
            "_id",
            "prompt",
            "project",
            "api_key",
            "usage",
            "metadata",
            "status",
            "createdAt",
            "updatedAt",
            "__v",
        ),
        *("prompt_version", "user", "latency_ms"),
    }


async def test_what_others_stored_badly_still_has_usage_and_metadata(
    as_viewer: httpx2.AsyncClient, prompt: Prompt, key: ApiKey
) -> None:
    row = PromptExecution(
        organization=prompt.organization,
        project=prompt.project,
        prompt=prompt.id,
        api_key=key.id,
        status="error",
    ).to_stored()
    await PromptExecution.within(prompt.scope).insert({**row, "usage": None, "metadata": "none"})

    [execution] = await history(as_viewer, prompt)

    assert execution["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "cost": 0}
    assert execution["metadata"] == {}
