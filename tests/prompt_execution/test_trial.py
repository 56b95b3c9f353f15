"""Trying out a prompt that is not stored."""

from typing import Any

import httpx2
import pytest

from crafter.api_keys.documents import ApiKey
from crafter.calls.documents import Call
from crafter.core.runtime import Runtime
from crafter.organizations.documents import Member, Organization
from crafter.organizations.permissions import Role
from crafter.projects.documents import Project
from tests.factories import make_key
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import FAULTS, Failure, Reply, Script
from tests.fixtures import Cast
from tests.prompt_execution.running import COST, USAGE, usage_of
from tests.world import snapshot

URL = "/proxy/test-prompt"


def trial(key: ApiKey, **fields: Any) -> dict[str, Any]:
    return {
        "content": "Say hello to {{name}}.",
        "llm_settings": {"model": "gpt-4o-mini"},
        "api_key_id": key.id,
        "variables": {"name": "Ada"},
        **fields,
    }


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_model_is_asked_and_nothing_is_kept_but_what_it_took(
    as_member: httpx2.AsyncClient, key: ApiKey, runtime: Runtime, provider: FakeProvider, slash: str
) -> None:
    provider.script(*(Reply("Hello, Ada!", usage=USAGE) for _ in range(2)))
    settings = {"model": "gpt-4o-mini", "parameters": {"temperature": 0.5, "max_tokens": 9, "seed": 1}}
    body = trial(
        key, system_prompt="Be {{mood}}.", llm_settings=settings, variables={"name": "Ada", "mood": "kind"}
    )
    await ApiKey.within(key.scope).delete_one({"_id": key.id})
    before = await snapshot(runtime)
    await ApiKey.within(key.scope).insert(key.to_stored())

    responses = [await as_member.post(URL + slash, json=body) for _ in range(2)]

    for response in responses:
        assert response.status_code == 200
        assert response.json() == {
            "result": "Hello, Ada!",
            "usage": {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 15,
                "cached_tokens": 2,
                "cost": COST,
            },
            "finish_reason": "stop",
            "cached": False,
        }
    assert len(provider.requests) == 2
    assert provider.requests[0].key == "sk-live-prompts-0123456789"
    assert provider.requests[0].body == {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Say hello to Ada."},
        ],
        "temperature": 0.5,
        "max_completion_tokens": 9,
    }
    assert (await usage_of(key))["total_tokens"] == 30
    assert await Call.within(key.scope).delete_many({"kind": "trial"}) == 2
    await ApiKey.within(key.scope).delete_one({"_id": key.id})
    assert await snapshot(runtime) == before


@pytest.mark.parametrize(
    ("fields", "status", "code", "error"),
    [
        ({"content": None}, 400, "CONTENT_REQUIRED", "Prompt content is required"),
        ({"content": ""}, 400, "CONTENT_REQUIRED", "Prompt content is required"),
        ({"api_key_id": None}, 400, "API_KEY_ID_REQUIRED", "API key ID is required"),
        ({"api_key_id": ""}, 400, "API_KEY_ID_REQUIRED", "API key ID is required"),
        ({"llm_settings": None}, 400, "MODEL_REQUIRED", "LLM settings with model required"),
        ({"llm_settings": {}}, 400, "MODEL_REQUIRED", "LLM settings with model required"),
        ({"llm_settings": {"model": ""}}, 400, "MODEL_REQUIRED", "LLM settings with model required"),
        ({"api_key_id": "nowhere"}, 404, "API_KEY_NOT_FOUND", "API key not found"),
        ({"content": "{{#a}}"}, 400, "INVALID_TEMPLATE", 'Unclosed section "a" at line 1, column 1'),
    ],
)
async def test_what_cannot_be_tried_says_why(
    as_member: httpx2.AsyncClient,
    key: ApiKey,
    provider: FakeProvider,
    fields: dict[str, Any],
    status: int,
    code: str,
    error: str,
) -> None:
    response = await as_member.post(URL, json=trial(key, **fields))

    body = response.json()
    assert (response.status_code, body["code"], body["error"]) == (status, code, error)
    assert len(provider.requests) == 0


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"content": 5}, "content"),
        ({"api_key_id": {"$ne": None}}, "api_key_id"),
        ({"llm_settings": {"model": ["x"]}}, "llm_settings.model"),
        (
            {"llm_settings": {"model": "m", "parameters": {"temperature": 2}}},
            "llm_settings.parameters.temperature",
        ),
        ({"variables": [1]}, "variables"),
    ],
)
async def test_a_wrong_field_is_named(
    as_member: httpx2.AsyncClient, key: ApiKey, fields: dict[str, Any], path: str
) -> None:
    response = await as_member.post(URL, json=trial(key, **fields))

    assert response.status_code == 400
    assert [error["path"] for error in response.json()["errors"]] == [path]


async def test_an_inactive_key_is_said(as_member: httpx2.AsyncClient, key: ApiKey) -> None:
    await ApiKey.within(key.scope).update_one({"_id": key.id}, {"$set": {"is_active": False}})

    response = await as_member.post(URL, json=trial(key))

    assert (response.status_code, response.json()["error"]) == (400, "API key is not active")


async def test_a_key_of_an_organization_that_one_is_not_in_looks_like_none(
    as_outsider: httpx2.AsyncClient, key: ApiKey, provider: FakeProvider
) -> None:
    foreign = await as_outsider.post(URL, json=trial(key))
    missing = await as_outsider.post(URL, json=trial(key, api_key_id="nowhere"))

    for response in (foreign, missing):
        assert (response.status_code, response.json()["error"]) == (404, "API key not found")
    assert set(foreign.json()) == set(missing.json())
    assert len(provider.requests) == 0


async def test_a_viewer_may_not_spend(
    as_viewer: httpx2.AsyncClient, key: ApiKey, provider: FakeProvider
) -> None:
    response = await as_viewer.post(URL, json=trial(key))

    assert response.status_code == 403
    assert response.json()["error"] == "Access denied: member role required"
    assert len(provider.requests) == 0


async def test_the_organization_of_the_key_decides_not_the_first_that_one_is_in(
    as_viewer: httpx2.AsyncClient, cast: Cast, other_project: Project, runtime: Runtime
) -> None:
    seat = Member(user=cast.viewer.id, role=Role.member).model_dump(by_alias=True)
    await Organization.collection().update_one(
        {"_id": cast.other_organization.id}, {"$push": {"members": seat}}
    )
    key = await make_key(other_project, runtime.keyring)

    response = await as_viewer.post(URL, json=trial(key))

    assert response.status_code == 200


async def test_nobody_has_to_sign_in_first(as_nobody: httpx2.AsyncClient, key: ApiKey) -> None:
    assert (await as_nobody.post(URL, json=trial(key))).status_code == 401


@pytest.mark.parametrize(
    ("reply", "status", "details"),
    [
        (Failure(401, "Incorrect API key provided"), 502, "openai API Error: 401 Incorrect API key provided"),
        (FAULTS["hang before head"], 504, "openai API Error: The answer was not complete in time."),
    ],
    ids=["401", "hang"],
)
async def test_a_failure_of_the_vendor_has_the_contracts_sentence_and_details(
    as_member: httpx2.AsyncClient,
    key: ApiKey,
    provider: FakeProvider,
    reply: Script,
    status: int,
    details: str,
) -> None:
    provider.script(reply)

    response = await as_member.post(URL, json=trial(key))

    body = response.json()
    assert (response.status_code, body["error"], body["details"]) == (
        status,
        "Failed to test prompt",
        details,
    )
