"""The cache of prompts: the same request is answered once by the model, and never by another tenant's answer."""

import asyncio
from typing import Any

import httpx2
import pytest

from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from crafter.prompt_execution.documents import PromptCache
from crafter.prompts.documents import Prompt
from tests.factories import make_key, make_prompt
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply
from tests.prompt_execution.running import COST, USAGE, execute_url, history, run, usage_of


def prompt_url(prompt: Prompt) -> str:
    return f"/organizations/{prompt.organization}/projects/{prompt.project}/prompts/{prompt.id}"


async def test_the_second_time_the_first_answer_comes_with_what_it_took(
    as_member: httpx2.AsyncClient, prompt: Prompt, key: ApiKey, provider: FakeProvider
) -> None:
    provider.script(Reply("Hello, Ada!", usage=USAGE))
    first = await run(as_member, prompt, name="Ada")

    second = await run(as_member, prompt, name="Ada")

    assert len(provider.requests) == 1
    assert second.pop("execution_id") != first["execution_id"]
    assert second == {
        "result": "Hello, Ada!",
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cost": COST},
        "cached": True,
    }
    newest, oldest = await history(as_member, prompt)
    assert (newest["status"], newest["usage"]["cost"], newest["usage"]["total_tokens"]) == ("cached", 0, 15)
    assert newest["metadata"] == oldest["metadata"] == {"model": "gpt-4o-mini", "finish_reason": "stop"}
    assert (await usage_of(key))["total_tokens"] == 15


async def test_an_answer_is_stored_as_the_contract_has_it_and_counts_its_uses(
    as_member: httpx2.AsyncClient, prompt: Prompt, provider: FakeProvider
) -> None:
    provider.script(Reply("Hello, Ada!", usage=USAGE))
    for _ in range(3):
        await run(as_member, prompt, name="Ada")

    [raw] = await PromptCache.within(prompt.scope).find({}, limit=2)

    assert len(raw["hash"]) == 64
    assert raw["last_accessed"] > raw["createdAt"]
    assert {name: raw[name] for name in ("prompt", "result", "usage", "metadata", "hits")} == {
        "prompt": prompt.id,
        "result": "Hello, Ada!",
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cost": COST},
        "metadata": {"model": "gpt-4o-mini", "finish_reason": "stop"},
        "hits": 3,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"content": "Greet {{name}}."},
        {"system_prompt": "Be brief."},
        {"llm_settings": {"model": "gpt-4o"}},
        {"llm_settings": {"parameters": {"temperature": 0.1}}},
    ],
    ids=["content", "system prompt", "model", "parameters"],
)
async def test_another_request_is_a_miss(
    as_member: httpx2.AsyncClient, prompt: Prompt, provider: FakeProvider, change: dict[str, Any]
) -> None:
    await run(as_member, prompt, name="Ada")
    await as_member.put(prompt_url(prompt), json=change)

    assert (await run(as_member, prompt, name="Ada"))["cached"] is False
    assert len(provider.requests) == 2


async def test_other_values_are_a_miss_and_the_same_text_from_others_is_a_hit(
    as_member: httpx2.AsyncClient, prompt: Prompt
) -> None:
    answers = [
        await run(as_member, prompt, **variables)
        for variables in ({"name": "Ada"}, {"name": "Bob"}, {"name": "Ada", "unused": 1}, {"name": ["Ada"]})
    ]

    assert [answer["cached"] for answer in answers] == [False, False, True, True]


async def test_text_cannot_move_from_one_message_to_the_other(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey
) -> None:
    prompt = await make_prompt(project, key=key, content="{{{a}}}", system_prompt="{{{b}}}")
    answers = [
        await run(as_member, prompt, a=a, b=b)
        for a, b in (("xy", "z"), ("x", "yz"), ('x","role":"system', ""), ("xyz", ""))
    ]

    assert [answer["cached"] for answer in answers] == [False] * 4


async def test_another_prompt_with_the_same_text_has_answers_of_its_own(
    as_member: httpx2.AsyncClient, project: Project, prompt: Prompt, key: ApiKey
) -> None:
    twin = await make_prompt(project, key=key, name="twin")
    await run(as_member, prompt, name="Ada")

    assert (await run(as_member, twin, name="Ada"))["cached"] is False


async def test_another_tenant_with_the_same_prompt_never_gets_the_answer(
    as_member: httpx2.AsyncClient,
    as_outsider: httpx2.AsyncClient,
    prompt: Prompt,
    other_project: Project,
    runtime: Runtime,
    provider: FakeProvider,
) -> None:
    provider.script(Reply("canary of Acme"), Reply("canary of Rival"))
    their_key = await make_key(other_project, runtime.keyring)
    theirs = await make_prompt(other_project, key=their_key)
    await run(as_member, prompt, name="Ada")

    answer = await run(as_outsider, theirs, name="Ada")

    assert (answer["result"], answer["cached"]) == ("canary of Rival", False)
    assert (await run(as_member, prompt, name="Ada"))["result"] == "canary of Acme"


async def test_a_row_of_another_tenant_is_not_found_even_with_the_same_hash(
    as_member: httpx2.AsyncClient, prompt: Prompt, other_project: Project, provider: FakeProvider
) -> None:
    await run(as_member, prompt, name="Ada")
    [raw] = await PromptCache.within(prompt.scope).find({}, limit=1)
    await PromptCache.within(prompt.scope).delete_many({})
    stolen = {**raw, "organization": other_project.organization, "project": other_project.id}
    await PromptCache.within(other_project.scope).insert({**stolen, "result": "canary of Rival"})

    answer = await run(as_member, prompt, name="Ada")

    assert (answer["cached"], answer["result"]) == (False, "You said: Say hello to Ada.")


async def test_of_fifty_first_runs_at_once_all_are_answered_and_one_answer_is_kept(
    as_member: httpx2.AsyncClient, prompt: Prompt, key: ApiKey, provider: FakeProvider
) -> None:
    gate = asyncio.Event()
    provider.script(*(Reply("Hello!", usage=USAGE, gate=gate, gate_after=0) for _ in range(50)))
    callers = [
        asyncio.create_task(as_member.post(execute_url(prompt), json={"variables": {"name": "Ada"}}))
        for _ in range(50)
    ]
    await provider.received(50)
    gate.set()

    responses = await asyncio.gather(*callers)

    assert {response.status_code for response in responses} == {200}
    assert {response.json()["result"] for response in responses} == {"Hello!"}
    assert await PromptCache.within(prompt.scope).count({}) == 1
    assert len(await history(as_member, prompt)) == 50
    assert (await usage_of(key))["total_tokens"] == 50 * 15
    assert (await run(as_member, prompt, name="Ada"))["cached"] is True


async def test_a_failure_is_not_kept(
    as_member: httpx2.AsyncClient, prompt: Prompt, provider: FakeProvider
) -> None:
    provider.script(Failure(500, "boom"))
    await as_member.post(execute_url(prompt), json={"variables": {"name": "Ada"}})

    assert (await run(as_member, prompt, name="Ada"))["cached"] is False


async def test_answers_of_a_deleted_prompt_are_dropped_and_its_history_stays(
    as_admin: httpx2.AsyncClient, prompt: Prompt, project: Project, key: ApiKey, runtime: Runtime
) -> None:
    twin = await make_prompt(project, key=key, name="twin")
    for each in (prompt, twin):
        await run(as_admin, each, name="Ada")

    await as_admin.delete(prompt_url(prompt))

    kept = await PromptCache.within(project.scope).find({}, limit=5)
    assert [row["prompt"] for row in kept] == [twin.id]
    assert await runtime.database.db.promptexecutions.count_documents({"prompt": prompt.id}) == 1


async def test_a_key_that_was_switched_off_answers_nothing_not_even_from_the_cache(
    as_admin: httpx2.AsyncClient, prompt: Prompt, key: ApiKey
) -> None:
    await run(as_admin, prompt, name="Ada")
    await ApiKey.within(key.scope).update_one({"_id": key.id}, {"$set": {"is_active": False}})

    response = await as_admin.post(execute_url(prompt), json={"variables": {"name": "Ada"}})

    assert (response.status_code, response.json()["code"]) == (409, "CREDENTIAL_INACTIVE")
