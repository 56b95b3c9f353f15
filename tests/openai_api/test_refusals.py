"""What is refused, and as what OpenAI's client raises it."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import openai
import pytest

from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey, RateLimits
from crafter.calls.documents import Call
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from tests.factories import make_agent, make_key, make_project
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, half_stream, refuse
from tests.fixtures import Cast
from tests.openai_api.conftest import MODEL, MakeClient
from tests.openai_api.test_chat import HELLO
from tests.programs import make_platform_key


async def ask(client: openai.AsyncOpenAI, model: str = MODEL, **more: Any) -> Any:
    return await client.chat.completions.create(model=model, messages=HELLO, **more)


@pytest.mark.parametrize(
    ("fields", "kind", "code"),
    [
        ({"is_active": False}, openai.AuthenticationError, "invalid_api_key"),
        ({"expires_at": utc_now() - timedelta(days=1)}, openai.AuthenticationError, "api_key_expired"),
        ({"ip_whitelist": ["10.0.0.1"]}, openai.PermissionDeniedError, "access_restricted"),
        ({"scopes": ["agents:read"]}, openai.PermissionDeniedError, "insufficient_permissions"),
        ({"rate_limit_override": 1}, openai.RateLimitError, "rate_limited"),
        (
            {"max_executions_per_day": 1, "usage": {"executions_today": 1}},
            openai.PermissionDeniedError,
            "access_restricted",
        ),
    ],
    ids=["revoked", "expired", "elsewhere", "without the scope", "too often", "used up"],
)
async def test_a_key_that_does_not_get_in_is_told_why(
    fields: dict[str, Any],
    kind: type[openai.APIStatusError],
    code: str,
    cast: Cast,
    client_of: MakeClient,
    provider: FakeProvider,
    provider_key: ApiKey,
) -> None:
    client = client_of((await make_platform_key(cast.member, cast.organization, **fields))[0])
    if "rate_limit_override" in fields:
        await ask(client)
    provider.forget()

    with pytest.raises(kind) as refusal:
        await ask(client)

    assert refusal.value.code == code
    assert refusal.value.request_id == refusal.value.response.headers["x-request-id"]
    assert not provider.requests
    if kind is openai.RateLimitError:
        assert 1 <= int(refusal.value.response.headers["retry-after"]) <= 60


async def test_a_stranger_is_not_let_in(client_of: MakeClient) -> None:
    with pytest.raises(openai.AuthenticationError):
        await client_of("sk-nobody").models.list()


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [("gpt-4o-mimi", MODEL), ("agent:Helpre", "agent:Helper"), ("agent:", None), ("no such thing", None)],
)
async def test_an_unknown_model_is_not_found_and_the_nearest_are_named(
    asked: str, nearest: str | None, client: openai.AsyncOpenAI, agent: Agent
) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        await ask(client, asked)

    assert refusal.value.code == "model_not_found"
    assert nearest is None or nearest in refusal.value.message


async def test_a_rivals_agents_and_keys_are_not_there(
    cast: Cast, client: openai.AsyncOpenAI, runtime: Runtime, provider: FakeProvider
) -> None:
    theirs = await make_agent(cast.other_project, runtime.keyring, name="Theirs")
    rival = await make_key(cast.other_project, runtime.keyring, provider="deepseek")
    for name in (theirs.id, f"agent:{theirs.id}", "agent:Theirs", "deepseek-llm-7b-chat"):
        with pytest.raises(openai.NotFoundError):
            await ask(client, name)
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve(name)
    listed = [model.id async for model in client.models.list()]

    assert "agent:Theirs" not in listed
    assert "deepseek-llm-7b-chat" not in listed
    assert rival.project == cast.other_project.id
    assert not provider.requests


async def test_an_agent_that_is_switched_off_is_not_there(
    cast: Cast, client: openai.AsyncOpenAI, runtime: Runtime
) -> None:
    await make_agent(cast.project, runtime.keyring, name="Off", is_active=False)

    with pytest.raises(openai.NotFoundError):
        await ask(client, "agent:Off")


async def test_an_agent_that_runs_tasks_takes_the_scope_for_tasks(
    cast: Cast, client_of: MakeClient, runtime: Runtime, provider: FakeProvider
) -> None:
    await make_agent(cast.project, runtime.keyring, name="Worker", type="task")
    chats, _ = await make_platform_key(cast.member, cast.organization, scopes=["agents:chat"])
    runs, _ = await make_platform_key(cast.member, cast.organization, scopes=["agents:execute"])

    with pytest.raises(openai.PermissionDeniedError):
        await ask(client_of(chats), "agent:Worker")
    completion = await ask(client_of(runs), "agent:Worker")

    assert completion.choices[0].message.content == "You said: Hello"
    assert [model.id async for model in client_of(chats).models.list()] == []
    assert [model.id async for model in client_of(runs).models.list()] == ["agent:Worker"]


async def test_a_key_works_in_the_project_that_is_named_if_it_may(
    cast: Cast, client_of: MakeClient, runtime: Runtime, provider: FakeProvider, provider_key: ApiKey
) -> None:
    second = await make_project(cast.organization, "Second")
    await make_key(second, runtime.keyring, provider="deepseek", secret="sk-live-second-0123456789")
    everywhere, _ = await make_platform_key(cast.member, cast.organization)
    bound, _ = await make_platform_key(cast.member, cast.organization, allowed_projects=[second.id])

    await ask(client_of(everywhere), MODEL)
    await ask(client_of(everywhere, **{"OpenAI-Project": second.id}), "deepseek-llm-7b-chat")
    await ask(client_of(everywhere, **{"X-Crafter-Project": second.id}), "deepseek-llm-7b-chat")
    await ask(client_of(bound), "deepseek-llm-7b-chat")

    for project in (cast.project.id, cast.other_project.id, "nothing", '{"$gt": ""}'):
        with pytest.raises(openai.NotFoundError) as refusal:
            await ask(client_of(bound, **{"OpenAI-Project": project}))
        assert refusal.value.code == "project_not_found"
    assert len(provider.requests) == 4


async def test_a_key_without_a_project_is_told_so(cast: Cast, client_of: MakeClient) -> None:
    key, _ = await make_platform_key(cast.member, cast.organization, allowed_projects=["gone"])

    with pytest.raises(openai.NotFoundError) as refusal:
        await client_of(key).models.list()

    assert refusal.value.code == "no_project"


async def test_a_key_that_is_switched_off_serves_no_models(
    cast: Cast, client_of: MakeClient, platform_key: str, runtime: Runtime
) -> None:
    key = await make_key(cast.project, runtime.keyring)
    await ApiKey.within(key.scope).update_one({"_id": key.id}, {"$set": {"is_active": False}})

    with pytest.raises(openai.NotFoundError):
        await ask(client_of(platform_key))


async def test_a_provider_key_that_is_used_up_is_a_rate_limit(
    client: openai.AsyncOpenAI, provider_key: ApiKey, provider: FakeProvider
) -> None:
    limits = RateLimits(requests_per_minute=1).model_dump(exclude_none=True)
    await ApiKey.within(provider_key.scope).update_one(
        {"_id": provider_key.id}, {"$set": {"rate_limits": limits}}
    )

    await ask(client)
    for streaming in (True, False):
        with pytest.raises(openai.RateLimitError) as refusal:
            await ask(client, stream=streaming)

    assert int(refusal.value.response.headers["retry-after"]) >= 1
    assert len(provider.requests) == 1


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("status", "said", "kind", "code"),
    [
        (400, "Unknown parameter", openai.BadRequestError, "refused_by_provider"),
        (400, "context length exceeded", openai.BadRequestError, "context_length_exceeded"),
        (400, "content filter", openai.BadRequestError, "content_filter"),
        (429, "Slow down.", openai.RateLimitError, "provider_rate_limited"),
        (401, "Wrong key", openai.InternalServerError, "provider_error"),
        (500, "Oops", openai.InternalServerError, "provider_error"),
    ],
)
async def test_what_a_provider_fails_with_says_whether_to_repeat_it(
    status: int,
    said: str,
    kind: type[openai.APIStatusError],
    code: str,
    streaming: bool,
    client: openai.AsyncOpenAI,
    provider: FakeProvider,
) -> None:
    provider.script(Failure(status, said, {"Retry-After": "7"}))

    with pytest.raises(kind) as refusal:
        await ask(client, stream=streaming)

    assert (refusal.value.code, said in refusal.value.message) == (code, True)
    if kind is openai.RateLimitError:
        assert refusal.value.response.headers["retry-after"] == "7"


async def test_an_answer_that_breaks_off_ends_with_an_error_and_is_in_the_ledger(
    cast: Cast, client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    provider.script(half_stream)
    said: list[str] = []

    async def listen() -> None:
        async for chunk in await ask(client, stream=True):
            said.extend(choice.delta.content or "" for choice in chunk.choices)

    with pytest.raises(openai.APIError) as failure:
        await listen()

    assert "".join(said)
    assert failure.value.code == "provider_error"
    rows = await Call.within(cast.project.scope).find({}, limit=10)
    assert [row["outcome"] for row in rows] == ["error"]


async def test_a_provider_that_is_not_there_is_a_failure_of_the_server(
    client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    provider.script(refuse)

    with pytest.raises(openai.InternalServerError):
        await ask(client)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "nobody", "content": "x"}]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": {"$gt": ""}}]}, "messages[0].content"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
            "messages[0].content[0]",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}],
                    }
                ]
            },
            "messages[0].content[0].image_url.url",
        ),
        ({"model": {"$gt": ""}}, "model"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 10**18}, "max_tokens"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"user": "x" * 600}, "user"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_what_cannot_be_honoured_is_refused_by_name(
    fields: Mapping[str, Any], param: str, client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    body = {"model": MODEL, "messages": HELLO, **fields}

    with pytest.raises(openai.BadRequestError) as refusal:
        await client.post("/chat/completions", body=body, cast_to=object)

    assert str(refusal.value.param).startswith(param)
    assert refusal.value.type == "invalid_request_error"
    assert not provider.requests


async def test_tools_cannot_be_chosen_for_an_agent(client: openai.AsyncOpenAI, agent: Agent) -> None:
    tool: Any = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}

    with pytest.raises(openai.BadRequestError) as refusal:
        await ask(client, "agent:Helper", tools=[tool])

    assert refusal.value.code == "agent_has_its_own"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('{"model": "a\\u0000b", "messages": [{"role": "user", "content": "x"}]}', 400),
        ('{"model": "m", "messages": ' + "[" * 2_000 + "]" * 2_000 + "}", 400),
        ('{"model": "m", "messages": [{"role": "user", "content": "' + "x" * 20_000_000 + '"}]}', 413),
        ("not JSON", 400),
        ('{"model": "m", "model": "n"}', 400),
    ],
    ids=["NUL", "deep", "20 MB", "no JSON", "a key twice"],
)
async def test_hostile_bodies_are_refused_before_anything_happens(
    text: str, status: int, client: openai.AsyncOpenAI, provider: FakeProvider
) -> None:
    for path in ("/chat/completions", "/responses"):
        response = await client._client.post(
            f"{client.base_url}{path[1:]}",
            content=text.encode(),
            headers={"Authorization": f"Bearer {client.api_key}", "Content-Type": "application/json"},
        )
        assert response.status_code == status, response.text[:200]
        error = json.loads(response.content)["error"]
        assert error.keys() == {"message", "type", "param", "code"}
    assert not provider.requests
