"""Making agents: the contract's shape, its checks in their order, ranges, names and metadata."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from crafter.organizations.documents import Organization
from crafter.projects.documents import Project
from crafter.tools.documents import Tool
from tests.agents.bodies import agents_url, new_agent
from tests.factories import make_agent, make_key

HANDOFF_MESSAGE = "I understand this requires specialized assistance. Let me connect you with one of our team members who can better help you with this. Please wait a moment."  # noqa: E501
FALLBACK_PROMPT = "The human operator has not joined yet. Politely let the user know you are still waiting for an operator to connect, apologise for the delay, and offer to help with anything you can in the meantime."  # noqa: E501

CONTRACT_EXAMPLE = """
{"_id":"ID","id":"ID","name":"bot-1","description":"","type":"chatbot",
 "organization":"ORGANIZATION","project":"PROJECT","system_prompt":"You are …","api_key":"KEY",
 "llm_settings":{"model":"gpt-4o-mini","parameters":{"temperature":0.7,"max_tokens":1000,"top_p":1,
   "frequency_penalty":0,"presence_penalty":0}},
 "tools":[{"name":"calculator","description":"DESCRIPTION","enabled":true,"_id":"TOOL","id":"TOOL"}],
 "config":{"max_conversation_length":50,"auto_end_after_minutes":30,"context_window_strategy":"truncate",
   "timeout_seconds":300,"max_tool_calls":10,"enable_thinking":true,"thinking_depth":"basic",
   "enable_streaming":false,"enforce_language_detection":true,
   "required_languages":[],"display_summary_prompt":null,"title_generation_prompt":null,
   "enable_small_agent_graph":false,"graph_enable_critic":true,
   "graph_models":{"planner_model":null,"responder_model":null,"critic_model":null},
   "prompt_sections":{"identity_and_tone":"","tools_and_apis":"","conversation_flow":"","output_format":"",
     "guardrails":"","domain_workflows":""},
   "handoff_config":{"allow_agent_handoff":true,"auto_handoff_triggers":[],
     "handoff_message_template":"HANDOFF","max_failed_attempts":3,
     "require_online_operator":false,"webhook_url":null,"webhook_secret":null,"fallback_timeout_seconds":null,
     "fallback_prompt":"FALLBACK","max_fallback_attempts":1}},
 "question_suggestions":{"enabled":false,"count":3},
 "is_active":true,"version":1,"message_transformers":[],"gdpr":{"encrypt_messages":false,"retention_days":null},
 "hooks":[],"createdAt":"CREATED","updatedAt":"CREATED","__v":0}
"""


async def calculator_description() -> str:
    raw = await Tool.collection().find_one({"name": "calculator"})
    assert raw is not None
    return str(raw["description"])


async def test_a_new_agent_is_byte_for_byte_the_contracts_example(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey
) -> None:
    body = new_agent(key, name="bot-1", system_prompt="You are …", tools=["calculator"])

    response = await as_member.post(agents_url(project), json=body)

    made = response.json()
    assert response.status_code == 201
    assert response.headers["etag"] == '"0"'
    text = CONTRACT_EXAMPLE
    for placeholder, value in {
        "TOOL": made["tools"][0]["_id"],
        "ID": made["_id"],
        "ORGANIZATION": project.organization,
        "PROJECT": project.id,
        "KEY": key.id,
        "DESCRIPTION": await calculator_description(),
        "HANDOFF": HANDOFF_MESSAGE,
        "FALLBACK": FALLBACK_PROMPT,
        "CREATED": made["createdAt"],
    }.items():
        text = text.replace(f'"{placeholder}"', json.dumps(value))
    expected = {**json.loads(text), "status": "active"}
    assert json.dumps(made, sort_keys=True) == json.dumps(expected, sort_keys=True)


async def test_what_is_stored_is_what_the_node_server_stores(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey
) -> None:
    made = (await as_member.post(agents_url(project), json=new_agent(key, tools=["calculator"]))).json()

    raw = await Agent.within(project.scope).find_one({"_id": made["_id"]})

    assert raw is not None
    ours = {"revision", "status", "status_history", "consecutive_failures"}
    assert set(raw) - ours == set(made) - {"id", "status"}
    assert set(raw["tools"][0]) == {"_id", "name", "description", "enabled"}
    assert raw["config"]["handoff_config"]["handoff_message_template"] == HANDOFF_MESSAGE
    assert raw["llm_settings"]["parameters"]["top_p"] == 1
    assert isinstance(raw["llm_settings"]["parameters"]["top_p"], int)


Fix = Callable[[dict[str, Any]], None]


def _set(path: str, value: Any) -> Fix:
    def fix(body: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            body = body[parent]
        body[last] = value

    return fix


async def test_what_is_wrong_is_answered_in_the_contracts_order(
    as_member: httpx2.AsyncClient, project: Project, runtime: Runtime, key: ApiKey
) -> None:
    await make_agent(project, runtime.keyring, name="taken")
    body = new_agent(
        key,
        name="not a name",
        api_key="no-such-key",
        llm_settings={"model": "gpt-4o-minni", "parameters": {"max_tokens": 1_000_000}},
        tools=["calculator", "no_such_tool", "another_one"],
        question_suggestions={"enabled": True},
        message_transformers=[{"name": "t", "pattern": "["}],
    )
    nowhere = agents_url(project).replace(project.id, "no-such-project")
    steps: list[tuple[str, Fix | None, int, str]] = [
        (nowhere, None, 400, "Name can only contain letters, numbers, underscores, and hyphens, at most 100"),
        (nowhere, _set("name", "taken"), 404, "Project not found in this organization"),
        ("", None, 404, "API key not found in this project"),
        ("", _set("api_key", key.id), 400, "Invalid model for selected provider"),
        (
            "",
            _set("llm_settings.model", "gpt-4o-mini"),
            422,
            "max_tokens is 1000000, but gpt-4o-mini writes at most 16384",
        ),
        (
            "",
            _set("llm_settings.parameters.max_tokens", 16_384),
            400,
            "Invalid tools: no_such_tool, another_one",
        ),
        (
            "",
            _set("tools", ["calculator"]),
            400,
            "API key and model are required when enabling question suggestions",
        ),
        (
            "",
            _set("question_suggestions", {"enabled": True, "api_key": "x", "model": "gpt-5"}),
            404,
            "Suggestion API key not found in this project",
        ),
        (
            "",
            _set("question_suggestions", {"enabled": True, "api_key": key.id, "model": "claude"}),
            400,
            "Invalid suggestion model for selected provider",
        ),
        (
            "",
            _set("question_suggestions.model", "gpt-5"),
            400,
            "message_transformers[0]: name, pattern, and webhook_url are required",
        ),
        (
            "",
            _set("message_transformers", [{"name": "t", "pattern": "[", "webhook_url": "ftp://x.example"}]),
            400,
            "message_transformers[0]: invalid regex pattern — unterminated character set at position 0",
        ),
        (
            "",
            _set("message_transformers", [{"name": "t", "pattern": "a+", "webhook_url": "ftp://x.example"}]),
            400,
            "message_transformers[0]: invalid webhook_url — it must be an http or https address",
        ),
        (
            "",
            _set(
                "message_transformers", [{"name": "t", "pattern": "a+", "webhook_url": "https://x.example"}]
            ),
            400,
            "Agent name already exists in this project",
        ),
    ]
    for url, fix, status, error in steps:
        if fix is not None:
            fix(body)
        response = await as_member.post(url or agents_url(project), json=body)
        assert (response.status_code, response.json()["error"].removeprefix("name: ")) == (status, error)
    body["name"] = "free"
    assert (await as_member.post(agents_url(project), json=body)).status_code == 201


async def test_every_field_that_is_wrong_is_listed(as_member: httpx2.AsyncClient, project: Project) -> None:
    body = {"name": " ", "type": "robot", "system_prompt": " ", "api_key": "", "llm_settings": {"model": ""}}

    listed = (await as_member.post(agents_url(project), json=body)).json()["errors"]
    missing = (await as_member.post(agents_url(project), json={})).json()["errors"]

    paths = ["name", "type", "system_prompt", "api_key"]
    assert [error["path"] for error in listed] == [*paths, "llm_settings.model"]
    assert [error["path"] for error in missing] == [*paths, "llm_settings"]
    assert {error["msg"] for error in missing} == {"Invalid value: is required"}
    assert all(error["location"] == "body" and "value" not in error for error in listed + missing)


PARAMETERS = "llm_settings.parameters"
RANGES: list[tuple[str, list[Any], list[Any]]] = [
    (f"{PARAMETERS}.temperature", [0, 2, "0.5", 0.7], [-0.1, 2.1, "warm", [1]]),
    (f"{PARAMETERS}.max_tokens", [1, "100", 16_384], [0, -1, 1.5, 10**10]),
    (f"{PARAMETERS}.top_p", [0, 1, 0.25], [-0.01, 1.01]),
    (f"{PARAMETERS}.frequency_penalty", [-2, 2], [-2.01, 2.01]),
    (f"{PARAMETERS}.presence_penalty", [-2, 2], [-2.01, 2.01]),
    ("question_suggestions.count", [1, 5], [0, 6]),
    ("config.handoff_config.fallback_timeout_seconds", [10, None], [9, 0]),
    ("config.handoff_config.max_fallback_attempts", [1], [0]),
    ("config.handoff_config.webhook_url", ["https://x.example/a", "", None], ["x", "ftp://x.example"]),
    ("gdpr.retention_days", [1, None], [0, -1]),
    ("config.context_window_strategy", ["truncate", "summarize", "sliding"], ["other"]),
    ("config.thinking_depth", ["basic", "detailed", "verbose"], ["other"]),
    ("config.enable_streaming", [True, "true", 1, "0"], ["maybe", 2]),
    ("type", ["chatbot", "task", "workflow", "api"], ["robot", 5]),
    ("name", ["a", "A-b_9", " trimmed "], ["", " ", "a b", "ä", "a.b", {"$ne": ""}, "x" * 101]),
    ("system_prompt", ["x"], ["", "  ", 5]),
    ("tools", [[], ["calculator", "faq"]], [["faq", "faq"], [{"name": "faq"}], "faq", [""], ["x"] * 65]),
]


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, good, _ in RANGES for value in good])
async def test_values_in_range_are_taken(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey, path: str, value: Any
) -> None:
    response = await as_member.post(agents_url(project), json=_with(key, path, value))

    assert response.status_code == 201, response.text


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, _, bad in RANGES for value in bad])
async def test_values_out_of_range_are_named(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey, path: str, value: Any
) -> None:
    response = await as_member.post(agents_url(project), json=_with(key, path, value))

    assert response.status_code == 400
    assert [error["path"].split("[")[0] for error in response.json()["errors"]] == [path]


def _with(key: ApiKey, path: str, value: Any) -> dict[str, Any]:
    body = new_agent(key, config={"handoff_config": {}}, gdpr={}, question_suggestions={})
    body["llm_settings"]["parameters"] = {}
    _set(path, value)(body)
    return body


async def test_numbers_are_stored_as_numbers(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey
) -> None:
    body = new_agent(key)
    body["llm_settings"]["parameters"] = {"temperature": "1", "max_tokens": "256", "top_p": 0.5, "seed": 7}

    made = (await as_member.post(agents_url(project), json=body)).json()

    assert made["llm_settings"]["parameters"] == {
        "temperature": 1,
        "max_tokens": 256,
        "top_p": 0.5,
        "frequency_penalty": 0,
        "presence_penalty": 0,
    }


async def test_null_is_not_given(as_member: httpx2.AsyncClient, project: Project, key: ApiKey) -> None:
    body = new_agent(
        key,
        description=None,
        tools=None,
        config=None,
        gdpr=None,
        message_transformers=None,
        metadata=None,
        question_suggestions={"enabled": False, "custom_prompt": None, "model": None},
    )

    made = (await as_member.post(agents_url(project), json=body)).json()

    assert made["description"] == ""
    assert made["question_suggestions"] == {"enabled": False, "count": 3}
    assert "metadata" not in made


async def test_the_system_prompt_may_be_empty_in_sections_mode(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey
) -> None:
    sections = {"identity_and_tone": "You are kind."}
    config = {"enable_small_agent_graph": True, "prompt_sections": sections}

    response = await as_member.post(agents_url(project), json=new_agent(key, system_prompt="", config=config))

    assert response.status_code == 201
    assert response.json()["config"]["prompt_sections"]["identity_and_tone"] == "You are kind."


async def test_what_the_server_owns_cannot_be_sent(
    as_member: httpx2.AsyncClient, project: Project, other_project: Project, key: ApiKey
) -> None:
    owned = {
        "_id": "mine",
        "id": "mine",
        "organization": other_project.organization,
        "project": other_project.id,
        "is_active": False,
        "hooks": [{"name": "h"}],
        "version": 9,
        "status": "error",
        "status_reason": "x",
        "consecutive_failures": 9,
        "revision": 9,
        "createdAt": "2000-01-01T00:00:00.000Z",
        "__v": 9,
    }

    made = (await as_member.post(agents_url(project), json=new_agent(key, **owned))).json()

    assert made["_id"] != "mine"
    assert (made["organization"], made["project"]) == (project.organization, project.id)
    assert (made["is_active"], made["status"], made["hooks"]) == (True, "active", [])
    assert (made["version"], made["__v"]) == (1, 0)
    assert made["createdAt"] > "2001"


async def test_of_twenty_agents_of_one_name_one_is_made(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey
) -> None:
    responses = await asyncio.gather(
        *(as_member.post(agents_url(project), json=new_agent(key)) for _ in range(20))
    )

    assert sorted(response.status_code for response in responses) == [201] + [400] * 19
    codes = {response.json()["code"] for response in responses if response.status_code == 400}
    assert codes == {"AGENT_NAME_TAKEN"}
    assert len((await as_member.get(agents_url(project))).json()) == 1


async def test_two_projects_may_have_agents_of_one_name(
    as_member: httpx2.AsyncClient,
    as_outsider: httpx2.AsyncClient,
    runtime: Runtime,
    project: Project,
    other_project: Project,
    key: ApiKey,
) -> None:
    other_key = await make_key(other_project, runtime.keyring)

    here = await as_member.post(agents_url(project), json=new_agent(key))
    there = await as_outsider.post(agents_url(other_project), json=new_agent(other_key))

    assert (here.status_code, there.status_code) == (201, 201)


async def test_a_key_of_another_project_is_not_found(
    as_member: httpx2.AsyncClient, runtime: Runtime, project: Project, other_project: Project, key: ApiKey
) -> None:
    foreign = await make_key(other_project, runtime.keyring)
    url = agents_url(project)

    as_key = await as_member.post(url, json=new_agent(foreign))
    for_suggestions = await as_member.post(
        url, json=new_agent(key, question_suggestions={"enabled": False, "api_key": foreign.id})
    )

    assert (as_key.status_code, as_key.json()["error"]) == (404, "API key not found in this project")
    assert for_suggestions.status_code == 404
    assert for_suggestions.json()["error"] == "Suggestion API key not found in this project"


async def test_an_unknown_model_names_those_that_come_close(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey
) -> None:
    body = new_agent(key, llm_settings={"model": "gpt-4o-minni"})

    refused = (await as_member.post(agents_url(project), json=body)).json()

    assert refused["code"] == "INVALID_MODEL"
    assert refused["nearest"][0] == "gpt-4o-mini"


async def test_only_members_make_agents(
    as_viewer: httpx2.AsyncClient,
    as_outsider: httpx2.AsyncClient,
    as_nobody: httpx2.AsyncClient,
    project: Project,
    key: ApiKey,
) -> None:
    clients = (as_viewer, as_outsider, as_nobody)

    answers = [await client.post(agents_url(project), json=new_agent(key)) for client in clients]

    assert [answer.status_code for answer in answers] == [403, 403, 401]
    assert answers[0].json()["error"] == "Access denied: member role required"


async def test_another_organizations_project_is_not_found(
    as_member: httpx2.AsyncClient, organization: Organization, other_project: Project, key: ApiKey
) -> None:
    url = f"/organizations/{organization.id}/projects/{other_project.id}/agents"

    response = await as_member.post(url, json=new_agent(key))

    assert (response.status_code, response.json()["error"]) == (404, "Project not found in this organization")


METADATA: list[Any] = [
    {},
    [],
    "text",
    0,
    False,
    {"$set": {"is_active": False}, "a.b": 1, "": "empty", "$ref": "x", "$id": "y", "$db": "z"},
    {"$oid": "6b031177a555967fc1a8be8f", "deep": [{"$gt": ""}, None, 1.5, -(2**63)]},
    {"größe": "ℵ", "text": 'quote " and \\'},
]


@pytest.mark.parametrize("metadata", METADATA)
async def test_metadata_comes_back_as_it_was_sent(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey, metadata: Any
) -> None:
    made = (await as_member.post(agents_url(project), json=new_agent(key, metadata=metadata))).json()
    url = f"{agents_url(project)}/{made['_id']}"
    changed = (await as_member.put(url, json={"metadata": [metadata]})).json()
    read = (await as_member.get(url)).json()

    assert json.dumps(made["metadata"]) == json.dumps(metadata)
    assert json.dumps(changed["metadata"]) == json.dumps(read["metadata"]) == json.dumps([metadata])
    assert (read["is_active"], read["status"]) == (True, "active")


async def test_metadata_above_64_kib_is_refused(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey
) -> None:
    fits = {"text": "x" * (64 * 1024 - len('{"text":""}'))}
    url = agents_url(project)

    taken = await as_member.post(url, json=new_agent(key, metadata=fits))
    refused = await as_member.post(url, json=new_agent(key, metadata={"text": fits["text"] + "x"}))

    assert taken.status_code == 201
    assert (refused.status_code, refused.json()["code"]) == (413, "METADATA_TOO_LARGE")


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("(", "missing ), unterminated subpattern at position 0"),
        ("a{99999999999}", "it is too complex"),
        ("a" * 501, "it is longer than 500 characters"),
        ("*", "nothing to repeat at position 0"),
    ],
)
async def test_a_pattern_that_is_none_is_refused(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey, pattern: str, sentence: str
) -> None:
    good = {"name": "good", "pattern": "[[a]", "webhook_url": "https://x.example"}
    body = new_agent(key, message_transformers=[good, {**good, "pattern": pattern}])

    refused = (await as_member.post(agents_url(project), json=body)).json()

    assert refused["error"] == f"message_transformers[1]: invalid regex pattern — {sentence}"


@pytest.mark.parametrize(
    "address", ["x", "javascript:alert(1)", "http://", "https://user:pw@x.example", "http://x example", "//x"]
)
async def test_a_webhook_needs_an_address_of_the_web(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey, address: str
) -> None:
    body = new_agent(key, message_transformers=[{"name": "t", "pattern": "a", "webhook_url": address}])

    refused = await as_member.post(agents_url(project), json=body)

    assert refused.status_code == 400
    assert refused.json()["error"].startswith("message_transformers[0]: invalid webhook_url — ")


async def test_transformers_have_the_contracts_defaults(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey
) -> None:
    given = {"name": "t", "pattern": "a+", "webhook_url": "https://x.example"}

    made = (
        await as_member.post(agents_url(project), json=new_agent(key, message_transformers=[given]))
    ).json()

    [transformer] = made["message_transformers"]
    assert transformer == {
        **given,
        "channels": [],
        "fallback": {"type": "passthrough"},
        "timeout_ms": 5000,
        "enabled": True,
        "_id": transformer["_id"],
        "id": transformer["_id"],
    }
    assert len(transformer["_id"]) == 24
