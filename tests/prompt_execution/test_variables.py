"""The variables of a prompt: what is declared is checked, what is not is Mustache's."""

from typing import Any

import httpx2
import pytest

from crafter.api_keys.documents import ApiKey
from crafter.projects.documents import Project
from crafter.prompts.settings import PromptVariable
from tests.factories import make_prompt
from tests.fakes.provider import FakeProvider
from tests.prompt_execution.running import execute_url, run

DECLARED = [
    PromptVariable(name="topic", type="string"),
    PromptVariable(name="count", type="number", default_value=3),
    PromptVariable(name="brief", type="boolean", default_value=False),
    PromptVariable(name="names", type="array", default_value=[]),
]
CONTENT = "{{{topic}}}|{{count}}|{{#brief}}brief{{/brief}}|{{#names}}{{.}};{{/names}}"


@pytest.fixture
async def prompt(project: Project, key: ApiKey) -> Any:
    return await make_prompt(project, key=key, content=CONTENT, variables=DECLARED)


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"topic": "x"}, "x|3||"),
        ({"topic": "x", "count": 1.5, "brief": True, "names": ["a", "b"]}, "x|1.5|brief|a;b;"),
        ({"topic": "", "count": 0}, "|0||"),
        ({"topic": "x", "count": None, "brief": None}, "x|3||"),
        ({"topic": "{{count}} {{#brief}}"}, "{{count}} {{#brief}}|3||"),
    ],
)
async def test_what_is_given_is_used_and_defaults_stand_in_for_the_rest(
    as_member: httpx2.AsyncClient, prompt: Any, provider: FakeProvider, variables: dict[str, Any], text: str
) -> None:
    await run(as_member, prompt, **variables)

    assert provider.requests[0].last_words == text


@pytest.mark.parametrize(
    ("variables", "errors"),
    [
        ({}, [("variables.topic", "topic is required")]),
        ({"topic": None}, [("variables.topic", "topic is required")]),
        ({"topic": 5}, [("variables.topic", "topic must be a string")]),
        ({"topic": ["x"]}, [("variables.topic", "topic must be a string")]),
        ({"topic": "x", "count": "3"}, [("variables.count", "count must be a number")]),
        ({"topic": "x", "count": True}, [("variables.count", "count must be a number")]),
        ({"topic": "x", "brief": 0}, [("variables.brief", "brief must be a boolean")]),
        ({"topic": "x", "names": {"0": "a"}}, [("variables.names", "names must be an array")]),
        ({"topic": "x", "topics": "y"}, [("variables.topics", "topics is not a variable of this prompt")]),
        (
            {"other": 1, "count": "3"},
            [
                ("variables.other", "other is not a variable of this prompt"),
                ("variables.topic", "topic is required"),
                ("variables.count", "count must be a number"),
            ],
        ),
    ],
)
async def test_what_is_missing_unknown_or_of_another_type_is_named_and_no_model_is_asked(
    as_member: httpx2.AsyncClient,
    prompt: Any,
    provider: FakeProvider,
    variables: dict[str, Any],
    errors: list[tuple[str, str]],
) -> None:
    response = await as_member.post(execute_url(prompt), json={"variables": variables})

    body = response.json()
    assert (response.status_code, body["code"]) == (400, "VALIDATION_FAILED")
    assert sorted((error["path"], error["msg"]) for error in body["errors"]) == sorted(errors)
    assert len(provider.requests) == 0


@pytest.mark.parametrize("variables", [5, "x", ["x"], True])
async def test_variables_are_an_object(as_member: httpx2.AsyncClient, prompt: Any, variables: Any) -> None:
    response = await as_member.post(execute_url(prompt), json={"variables": variables})

    [error] = response.json()["errors"]
    assert response.status_code == 400
    assert (error["path"], error["msg"]) == ("variables", "Variables must be an object")


async def test_keys_that_no_database_takes_are_refused(as_member: httpx2.AsyncClient, prompt: Any) -> None:
    response = await as_member.post(execute_url(prompt), json={"variables": {"topic": "x", "$where": "1"}})

    assert response.status_code == 400


async def test_without_declarations_anything_goes(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey, provider: FakeProvider
) -> None:
    prompt = await make_prompt(project, key=key, content="[{{a.b}}][{{missing}}][{{list}}]")

    await run(as_member, prompt, a={"b": 1}, list=[1, 2], unused={"deep": [None]})

    assert provider.requests[0].last_words == "[1][][1,2]"


async def test_a_template_is_not_run_until_its_variables_are_bound(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey, provider: FakeProvider
) -> None:
    prompt = await make_prompt(
        project,
        key=key,
        is_template=True,
        content="{{a}} {{#extra}}{{detail}}{{/extra}} {{a}}",
        system_prompt="{{{b.c}}}",
    )

    unbound = await as_member.post(execute_url(prompt), json={"variables": {"a": None}})
    bound = await as_member.post(execute_url(prompt), json={"variables": {"a": "", "b": {}}})

    assert unbound.status_code == 400
    assert [error["path"] for error in unbound.json()["errors"]] == ["variables.a", "variables.b"]
    assert bound.status_code == 200
    assert len(provider.requests) == 1
