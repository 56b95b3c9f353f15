"""Asking another model: with which key, what is sent, and what a model that asks may not do."""

from typing import Any

import pytest

from crafter.api_keys.documents import ApiKey
from crafter.llm.providers import ChatModels
from crafter.organizations.documents import Organization
from crafter.projects.documents import Project
from tests.factories import make_key, make_project
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, refuse, web_page
from tests.tool_runtime.support import Bench

SECRET = "sk-canary-llm-0123456789"


@pytest.fixture
async def key(bench: Bench, project: Project) -> ApiKey:
    """A key of the agent's project."""
    made: ApiKey = await make_key(project, bench.runtime.keyring, secret=SECRET)
    return made


async def test_a_model_is_asked_with_a_key_of_the_project(
    bench: Bench, key: ApiKey, provider: FakeProvider
) -> None:
    usage = {"prompt_tokens": 1_000, "completion_tokens": 1_000, "total_tokens": 2_000}
    provider.script(Reply("Bonjour.", usage=usage))

    answer = await bench.use(
        "llm_prompt",
        {},
        prompt="Translate: Hello.",
        api_key_id=key.id,
        system_prompt="You translate.",
        model="gpt-4o",
        temperature=0,
        max_tokens=50,
    )

    assert answer == {
        "prompt": "Translate: Hello.",
        "response": "Bonjour.",
        "model": "gpt-4o",
        "usage": {**usage, "cost": 0.0125},
        "finish_reason": "stop",
    }
    [request] = provider.requests
    assert request.key == SECRET
    assert request.body["messages"] == [
        {"role": "system", "content": "You translate."},
        {"role": "user", "content": "Translate: Hello."},
    ]
    assert (request.body["model"], request.body["temperature"]) == ("gpt-4o", 0)
    assert 50 in (request.body.get("max_tokens"), request.body.get("max_completion_tokens"))


async def test_what_is_left_out_is_as_the_contract_has_it(
    bench: Bench, key: ApiKey, provider: FakeProvider
) -> None:
    answer = await bench.use("llm_prompt", {}, prompt="Hello.", api_key_id=key.id)

    [request] = provider.requests
    assert (answer["model"], answer["response"]) == ("gpt-4o-mini", "You said: Hello.")
    assert (request.body["model"], request.body["temperature"]) == ("gpt-4o-mini", 0.7)
    assert [message["role"] for message in request.body["messages"]] == ["user"]


async def test_a_key_from_elsewhere_is_not_found(
    bench: Bench, organization: Organization, other_project: Project, provider: FakeProvider
) -> None:
    sibling = await make_project(organization, "Sibling")
    keys = [await make_key(elsewhere, bench.runtime.keyring) for elsewhere in (sibling, other_project)]

    for key_id in (*(key.id for key in keys), "no such key", "x" * 100_000, '{"$ne": null}'):
        sentence = await bench.refused("llm_prompt", {}, prompt="Hello.", api_key_id=key_id)
        assert sentence == "API key not found in this project"
    assert not provider.requests


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"prompt": " \n"}, "The prompt is blank"),
        ({"prompt": "\0"}, "The prompt is blank"),
        ({"prompt": "a" * 100_001}, "The prompt is longer than 100000 characters"),
        ({"system_prompt": "a" * 20_001}, "The system_prompt is longer than 20000 characters"),
        ({"model": ""}, "This is not the name of a model"),
        ({"model": "a" * 201}, "This is not the name of a model"),
        ({"model": "gpt\r\n"}, "This is not the name of a model"),
        ({"max_tokens": 8_193}, "max_tokens must be at most 8192"),
        ({"max_tokens": 0}, "Parameter 'max_tokens' must be at least 1"),
        ({"temperature": 3}, "Parameter 'temperature' must be at most 2"),
    ],
)
async def test_what_a_model_asks_for_is_bounded(
    bench: Bench, key: ApiKey, provider: FakeProvider, arguments: dict[str, Any], reason: str
) -> None:
    given = {"prompt": "Hello.", "api_key_id": key.id, **arguments}

    assert await bench.refused("llm_prompt", {}, **given) == reason
    assert not provider.requests


async def test_a_key_that_is_switched_off_is_not_used(
    bench: Bench, key: ApiKey, provider: FakeProvider
) -> None:
    await ApiKey.within(key.scope).update_one({"_id": key.id}, {"$set": {"is_active": False}})

    assert "not active" in await bench.refused("llm_prompt", {}, prompt="Hello.", api_key_id=key.id)
    assert not provider.requests


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (Failure(401, "Wrong key: {key}"), "Wrong key: ***"),
        (Failure(500, "Overloaded."), "Overloaded."),
        (refuse, "did not answer properly"),
        (web_page, "did not answer properly"),
    ],
    ids=["wrong key", "overloaded", "cut", "no API"],
)
async def test_a_failure_of_the_provider_is_told_without_the_key_and_the_address(
    bench: Bench, key: ApiKey, provider: FakeProvider, script: Any, told: str
) -> None:
    provider.script(script, script, script)

    sentence = await bench.refused("llm_prompt", {}, prompt="Hello.", api_key_id=key.id)

    provider.forget()
    assert told in sentence
    assert SECRET not in sentence
    assert "127.0.0.1" not in sentence


async def test_an_address_that_may_not_be_called_is_not_told(bench: Bench, key: ApiKey) -> None:
    closed = ChatModels.from_settings(bench.runtime.settings.model_copy(update={"egress_allow": []}))
    nowhere = Bench(bench.agent, bench.runtime, closed)
    try:
        sentence = await nowhere.refused("llm_prompt", {}, prompt="Hello.", api_key_id=key.id)
    finally:
        await closed.aclose()

    assert sentence == "The provider of this key cannot be called from here."


async def test_long_texts_are_cut_and_characters_that_are_none_are_not_sent(
    bench: Bench, key: ApiKey, provider: FakeProvider
) -> None:
    provider.script(Reply("word " * 10_000))

    answer = await bench.use("llm_prompt", {}, prompt="a\ud800\0b" + "c" * 50_000, api_key_id=key.id)

    [request] = provider.requests
    assert request.body["messages"][0]["content"].startswith("a  bccc")
    assert (len(answer["response"]), len(answer["prompt"])) == (16_000, 1_000)
