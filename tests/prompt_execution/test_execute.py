"""Running prompts through HTTP, against a vendor that is a real server."""

import asyncio
from typing import Any

import httpx2
import pytest

from crafter.api_keys.documents import ApiKey, ModelUsage, Usage
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from crafter.prompt_execution.documents import PromptExecution
from crafter.prompts.documents import Prompt
from crafter.prompts.settings import PromptParameters, PromptSettings
from tests.factories import make_key, make_prompt
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply
from tests.fixtures import Cast
from tests.prompt_execution.running import COST, USAGE, execute_url, history, run, usage_of


async def test_the_answer_has_the_contracts_shape_and_is_noted(
    as_member: httpx2.AsyncClient, prompt: Prompt, key: ApiKey, cast: Cast, provider: FakeProvider
) -> None:
    provider.script(Reply("Hello, Ada!", usage=USAGE))

    response = await as_member.post(execute_url(prompt), json={"variables": {"name": "Ada"}})

    body = response.json()
    assert response.status_code == 200
    execution_id = body.pop("execution_id")
    assert body == {
        "result": "Hello, Ada!",
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "cached_tokens": 2,
            "cost": COST,
        },
        "cached": False,
    }
    raw = await PromptExecution.within(prompt.scope).find_one({"_id": execution_id})
    assert raw is not None
    assert raw.pop("latency_ms") >= 0
    assert raw.pop("createdAt") == raw.pop("updatedAt")
    assert raw == {
        "_id": execution_id,
        "__v": 0,
        "revision": 0,
        "organization": prompt.organization,
        "project": prompt.project,
        "prompt": prompt.id,
        "prompt_version": 1,
        "api_key": key.id,
        "user": cast.member.id,
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cost": COST},
        "metadata": {"model": "gpt-4o-mini", "finish_reason": "stop"},
        "status": "success",
    }


async def test_the_vendor_gets_both_texts_filled_in_the_parameters_and_the_prompts_own_key(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey, provider: FakeProvider
) -> None:
    settings = PromptSettings(
        model="gpt-4o", parameters=PromptParameters(temperature=0.5, max_tokens=20, presence_penalty=-1)
    )
    prompt = await make_prompt(
        project,
        key=key,
        content="Hi {{name}} & {{{name}}}",
        system_prompt="You are {{#polite}}polite{{/polite}}{{^polite}}rude{{/polite}}.",
        llm_settings=settings,
    )

    await run(as_member, prompt, name="<X>", polite=True)

    [request] = provider.requests
    assert request.key == "sk-live-prompts-0123456789"
    assert request.body == {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": "You are polite."},
            {"role": "user", "content": "Hi &lt;X&gt; & <X>"},
        ],
        "temperature": 0.5,
        "max_completion_tokens": 20,
        "presence_penalty": -1,
    }


@pytest.mark.parametrize("body", [None, {}, {"variables": None}, {"variables": {}}])
async def test_variables_may_be_left_out_and_are_empty_then(
    as_member: httpx2.AsyncClient, prompt: Prompt, provider: FakeProvider, body: dict[str, Any] | None
) -> None:
    response = await as_member.post(execute_url(prompt), json=body)

    assert response.status_code == 200
    [request] = provider.requests
    assert request.body["messages"] == [{"role": "user", "content": "Say hello to ."}]


async def test_a_prompt_is_run_by_its_name_in_any_case(
    as_member: httpx2.AsyncClient, prompt: Prompt, provider: FakeProvider
) -> None:
    response = await as_member.post(execute_url(prompt).replace("greet", "GREET"))

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("vendor", "model"),
    [
        ("anthropic", "claude-sonnet-4-6"),
        ("google", "gemini-2.5-pro"),
        ("xai", "grok-4"),
        ("deepseek", "DeepSeek-V3"),
    ],
)
async def test_every_provider_may_be_asked(
    as_member: httpx2.AsyncClient,
    project: Project,
    runtime: Runtime,
    provider: FakeProvider,
    vendor: str,
    model: str,
) -> None:
    key = await make_key(project, runtime.keyring, provider=vendor, secret=f"secret-of-{vendor}-0123456789")
    prompt = await make_prompt(project, key=key, llm_settings=PromptSettings(model=model))

    body = await run(as_member, prompt, name="Ada")

    assert body["result"] == "You said: Say hello to Ada."
    assert (provider.requests[0].key, provider.requests[0].body["model"]) == (
        f"secret-of-{vendor}-0123456789",
        model,
    )


async def test_a_price_that_nobody_knows_is_said_to_be_unknown(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey
) -> None:
    prompt = await make_prompt(project, key=key, llm_settings=PromptSettings(model="nobody-has-heard-of-it"))

    body = await run(as_member, prompt, name="Ada")

    [execution] = await history(as_member, prompt)
    assert body["usage"]["cost"] == 0
    assert execution["cost_unknown"] is True


async def test_usage_that_the_vendor_does_not_report_is_estimated_and_marked(
    as_member: httpx2.AsyncClient, prompt: Prompt, provider: FakeProvider
) -> None:
    provider.script(Reply("Hello, Ada!", usage=None))

    body = await run(as_member, prompt, name="Ada")

    [execution] = await history(as_member, prompt)
    assert body["usage"]["total_tokens"] > 0
    assert execution["usage_estimated"] is True


async def test_the_history_names_the_version_that_was_run(
    as_member: httpx2.AsyncClient, prompt: Prompt
) -> None:
    url = f"/organizations/{prompt.organization}/projects/{prompt.project}/prompts/{prompt.id}"
    await run(as_member, prompt, name="Ada")
    await as_member.put(url, json={"content": "Greet {{name}}."})
    await run(as_member, prompt, name="Ada")

    assert [execution["prompt_version"] for execution in await history(as_member, prompt)] == [2, 1]


async def test_the_usage_of_the_key_is_summed_up_for_each_model(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey, provider: FakeProvider
) -> None:
    small = await make_prompt(project, key=key, name="small")
    large = await make_prompt(project, key=key, name="large", llm_settings=PromptSettings(model="gpt-4o"))
    provider.script(*(Reply("x", usage=USAGE) for _ in range(3)))

    for prompt, name in ((small, "a"), (small, "b"), (large, "a")):
        await run(as_member, prompt, name=name)

    usage = await usage_of(key)
    assert usage["total_tokens"] == 45
    assert usage["total_cost"] == pytest.approx(2 * COST + 0.0000705)
    assert [(e["model"], e["input_tokens"], e["output_tokens"]) for e in usage["usage_by_model"]] == [
        ("gpt-4o-mini", 20, 10),
        ("gpt-4o", 10, 5),
    ]
    assert usage["usage_by_model"][0]["cost"] == pytest.approx(2 * COST)
    assert all("_id" in entry for entry in usage["usage_by_model"])


async def test_usage_that_the_node_server_wrote_is_added_to(
    as_member: httpx2.AsyncClient, prompt: Prompt, key: ApiKey, provider: FakeProvider
) -> None:
    entry = ModelUsage(model="gpt-4o-mini", input_tokens=1, output_tokens=1, cost=0.5)
    theirs = Usage(total_tokens=4, total_cost=1, usage_by_model=[entry, entry]).model_dump(by_alias=True)
    await ApiKey.within(key.scope).update_one({"_id": key.id}, {"$set": {"usage": theirs}})
    provider.script(Reply("x", usage=USAGE))

    await run(as_member, prompt, name="Ada")

    url = f"/organizations/{key.organization}/projects/{key.project}/api-keys/{key.id}"
    shown = (await as_member.get(url)).json()["usage"]
    assert shown["total_tokens"] == 19
    assert [(e["input_tokens"], e["output_tokens"]) for e in shown["usage_by_model"]] == [(12, 7)]


async def test_counting_does_not_make_a_key_that_somebody_edits_stale(
    as_admin: httpx2.AsyncClient, prompt: Prompt, key: ApiKey
) -> None:
    url = f"/organizations/{key.organization}/projects/{key.project}/api-keys/{key.id}"
    read = (await as_admin.get(url)).headers["etag"]

    await run(as_admin, prompt, name="Ada")

    renamed = await as_admin.patch(url, json={"name": "new"}, headers={"If-Match": read})
    assert renamed.status_code == 200


async def test_many_runs_at_once_are_all_counted(
    as_member: httpx2.AsyncClient, prompt: Prompt, key: ApiKey, provider: FakeProvider
) -> None:
    provider.script(*(Reply("x", usage=USAGE) for _ in range(40)))

    await asyncio.gather(*(run(as_member, prompt, name=f"n{number}") for number in range(40)))

    usage = await usage_of(key)
    [entry] = usage["usage_by_model"]
    assert usage["total_tokens"] == 40 * 15
    assert (entry["input_tokens"], entry["output_tokens"]) == (400, 200)
    assert len(await history(as_member, prompt)) == 40


async def test_what_was_said_is_stored_although_the_caller_has_left(
    as_member: httpx2.AsyncClient, prompt: Prompt, key: ApiKey, runtime: Runtime, provider: FakeProvider
) -> None:
    gate = asyncio.Event()
    provider.script(Reply("Hello, Ada!", usage=USAGE, gate=gate, gate_after=0))
    caller = asyncio.create_task(run(as_member, prompt, name="Ada"))
    await provider.received()

    caller.cancel()
    await asyncio.wait([caller])
    gate.set()
    await runtime.tasks.idle()

    [execution] = await history(as_member, prompt)
    assert (execution["status"], execution["usage"]["total_tokens"]) == ("success", 15)
    assert (await usage_of(key))["total_tokens"] == 15
    assert (await run(as_member, prompt, name="Ada"))["cached"] is True


async def test_a_viewer_may_not_run_a_prompt_but_read_its_history(
    as_viewer: httpx2.AsyncClient, prompt: Prompt, provider: FakeProvider
) -> None:
    response = await as_viewer.post(execute_url(prompt), json={})

    assert response.status_code == 403
    assert response.json()["error"] == "Access denied: member role required"
    assert len(provider.requests) == 0
    assert await history(as_viewer, prompt) == []
