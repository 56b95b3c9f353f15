"""Changing agents: what is merged, what is replaced, what is checked, and what happens when two do it at once."""

import asyncio
from typing import Any

import httpx2
import pytest

from crafter.agents.configuration import (
    AgentConfig,
    GenerationParameters,
    HandoffConfig,
    LlmSettings,
    QuestionSuggestions,
)
from crafter.agents.documents import Agent, AgentTool
from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.agents.bodies import agent_url, stored_agent
from tests.factories import make_agent, make_key


@pytest.fixture
async def agent(project: Project, runtime: Runtime, key: ApiKey) -> Agent:
    made: Agent = await make_agent(
        project,
        runtime.keyring,
        key=key,
        tools=[
            AgentTool(name="calculator", description="old", parameters={"precision": 3}, enabled=False),
            AgentTool(name="faq", description="old", parameters={"faqs": []}),
        ],
        config=AgentConfig(
            max_tool_calls=4,
            display_summary_prompt="Be brief.",
            handoff_config=HandoffConfig(max_failed_attempts=9, auto_handoff_triggers=["human"]),
        ),
        llm_settings=LlmSettings(
            model="gpt-4o-mini", parameters=GenerationParameters(temperature=0.2, max_tokens=50)
        ),
        question_suggestions=QuestionSuggestions(enabled=True, api_key=key.id, model="gpt-5", count=2),
    )
    return made


async def change(client: httpx2.AsyncClient, agent: Agent, **body: Any) -> dict[str, Any]:
    response = await client.put(agent_url(agent), json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_parameters_are_replaced_whole_and_the_model_is_kept(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    body = await change(as_member, agent, llm_settings={"parameters": {"top_p": 0.5}})

    assert body["llm_settings"] == {
        "model": "gpt-4o-mini",
        "parameters": {
            "temperature": 0.7,
            "max_tokens": 1000,
            "top_p": 0.5,
            "frequency_penalty": 0,
            "presence_penalty": 0,
        },
    }


async def test_a_new_model_keeps_the_parameters(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    body = await change(as_member, agent, llm_settings={"model": "gpt-5"})

    assert body["llm_settings"]["model"] == "gpt-5"
    assert body["llm_settings"]["parameters"]["temperature"] == 0.2


async def test_the_config_is_merged_one_level_deep(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    body = await change(
        as_member,
        agent,
        config={
            "enable_streaming": True,
            "display_summary_prompt": None,
            "handoff_config": {"allow_agent_handoff": False},
            "timeout_seconds": None,
        },
    )

    config = body["config"]
    assert (config["enable_streaming"], config["max_tool_calls"], config["timeout_seconds"]) == (True, 4, 300)
    assert config["display_summary_prompt"] is None
    assert config["handoff_config"] == HandoffConfig(allow_agent_handoff=False).model_dump()


async def test_fields_of_the_config_that_we_do_not_know_survive(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await Agent.within(agent.scope).update_one({"_id": agent.id}, {"$set": {"config.of_tomorrow": 1}})

    await change(as_member, agent, config={"enable_streaming": True})

    config = (await stored_agent(agent))["config"]
    assert (config["of_tomorrow"], config["enable_streaming"]) == (1, True)


async def test_tools_that_stay_keep_their_settings_and_the_others_lose_them(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    kept = (await change(as_member, agent, tools=["current_time", "calculator"]))["tools"]
    back = (await change(as_member, agent, tools=["faq"]))["tools"]

    assert [tool["name"] for tool in kept] == ["current_time", "calculator"]
    assert (kept[1]["parameters"], kept[1]["enabled"]) == ({"precision": 3}, False)
    assert kept[1]["description"] != "old"
    assert kept[1]["_id"] != str(agent.tools[0].id)
    assert "parameters" not in kept[0]
    assert "parameters" not in back[0]


async def test_suggestions_are_merged_field_by_field(
    as_member: httpx2.AsyncClient, agent: Agent, key: ApiKey
) -> None:
    more = await change(as_member, agent, question_suggestions={"count": 5, "custom_prompt": "Ask."})
    less = await change(as_member, agent, question_suggestions={"enabled": False, "custom_prompt": None})

    kept = {"api_key": key.id, "model": "gpt-5", "count": 5}
    assert more["question_suggestions"] == {"enabled": True, "custom_prompt": "Ask.", **kept}
    assert less["question_suggestions"] == {"enabled": False, **kept}


async def test_suggestions_cannot_stay_on_without_their_key(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    response = await as_member.put(agent_url(agent), json={"question_suggestions": {"api_key": ""}})

    assert response.status_code == 400
    assert response.json()["error"] == "API key and model are required when enabling question suggestions"


async def test_privacy_is_merged_field_by_field(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    await change(as_member, agent, gdpr={"encrypt_messages": True, "retention_days": 30})
    body = await change(as_member, agent, gdpr={"retention_days": None})

    assert body["gdpr"] == {"encrypt_messages": True, "retention_days": None}


async def test_transformers_are_replaced(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    one = {"name": "one", "pattern": "a", "webhook_url": "https://x.example"}
    await change(as_member, agent, message_transformers=[one, {**one, "name": "two"}])

    body = await change(as_member, agent, message_transformers=[{**one, "name": "three"}])

    assert [transformer["name"] for transformer in body["message_transformers"]] == ["three"]


async def test_every_change_raises_the_version_and_nothing_changes_the_type(
    as_member: httpx2.AsyncClient, agent: Agent, other_project: Project
) -> None:
    moved = {"organization": other_project.organization, "project": other_project.id}
    first = await change(as_member, agent, description="new", type="task", hooks=[{}], **moved)
    second = await change(as_member, agent)

    assert (first["version"], second["version"]) == (2, 3)
    assert (second["type"], second["description"], second["hooks"]) == ("chatbot", "new", [])
    assert (second["organization"], second["project"]) == (agent.organization, agent.project)


async def test_the_answer_has_the_key_with_its_whole_provider(
    as_member: httpx2.AsyncClient, agent: Agent, key: ApiKey
) -> None:
    body = await change(as_member, agent, description="new")

    assert body["api_key"]["_id"] == key.id
    assert body["api_key"]["provider"]["name"] == "openai"
    assert "gpt-4o-mini" in body["api_key"]["provider"]["models"]


async def test_the_model_is_checked_although_the_key_is_not_sent(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    response = await as_member.put(agent_url(agent), json={"llm_settings": {"model": "nope"}})

    assert (response.status_code, response.json()["code"]) == (400, "INVALID_MODEL")
    assert (await stored_agent(agent))["version"] == 1


async def test_the_model_is_checked_when_only_the_key_changes(
    as_member: httpx2.AsyncClient, runtime: Runtime, project: Project, agent: Agent
) -> None:
    anthropic = await make_key(project, runtime.keyring, provider="anthropic")

    response = await as_member.put(agent_url(agent), json={"api_key": anthropic.id})

    assert (response.status_code, response.json()["code"]) == (400, "INVALID_MODEL")


async def test_what_a_model_can_write_is_checked_when_the_model_changes(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await change(as_member, agent, llm_settings={"parameters": {"max_tokens": 16_384}})

    response = await as_member.put(agent_url(agent), json={"llm_settings": {"model": "gpt-4-turbo"}})

    assert (response.status_code, response.json()["code"]) == (422, "MAX_TOKENS_TOO_LARGE")
    assert response.json()["limit"] == 4096


async def test_an_agent_whose_key_and_model_are_gone_can_still_be_changed(
    as_member: httpx2.AsyncClient, agent: Agent, key: ApiKey
) -> None:
    await ApiKey.within(agent.scope).delete_one({"_id": key.id})
    await Agent.within(agent.scope).update_one(
        {"_id": agent.id}, {"$set": {"llm_settings.model": "gpt-retired"}}
    )

    body = await change(as_member, agent, description="new", llm_settings={"model": "gpt-retired"})

    assert (body["description"], body["api_key"]) == ("new", {})


async def test_a_prompt_cannot_be_taken_away(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    response = await as_member.put(agent_url(agent), json={"system_prompt": "  "})

    assert response.status_code == 400
    assert [error["path"] for error in response.json()["errors"]] == ["system_prompt"]


async def test_sections_mode_cannot_be_left_without_a_prompt(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await change(as_member, agent, system_prompt="", config={"enable_small_agent_graph": True})
    await change(as_member, agent, system_prompt="")

    response = await as_member.put(agent_url(agent), json={"config": {"enable_small_agent_graph": False}})

    assert response.status_code == 400
    assert [error["path"] for error in response.json()["errors"]] == ["system_prompt"]


async def test_a_bad_body_is_answered_before_an_unknown_agent(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    nowhere = agent_url(agent).replace(agent.id, "no-such-agent")

    bad = await as_member.put(nowhere, json={"name": "not a name"})
    unknown = await as_member.put(nowhere, json={"name": "name"})

    assert (bad.status_code, unknown.status_code) == (400, 404)
    assert unknown.json()["error"] == "Agent not found"


async def test_a_taken_name_is_refused(
    as_member: httpx2.AsyncClient, runtime: Runtime, project: Project, agent: Agent
) -> None:
    await make_agent(project, runtime.keyring, name="taken")

    response = await as_member.put(agent_url(agent), json={"name": "taken"})

    assert response.status_code == 400
    assert response.json()["error"] == "Agent name already exists in this project"


async def test_the_second_of_two_stale_writers_is_refused(
    as_member: httpx2.AsyncClient, as_admin: httpx2.AsyncClient, agent: Agent
) -> None:
    read = await as_member.get(agent_url(agent))
    tag = {"If-Match": read.headers["etag"]}

    first = await as_member.put(agent_url(agent), json={"description": "first"}, headers=tag)
    second = await as_admin.put(agent_url(agent), json={"description": "second"}, headers=tag)

    assert (first.status_code, second.status_code) == (200, 412)
    assert second.headers["etag"] == first.headers["etag"] == second.json()["current"]
    assert (await stored_agent(agent))["description"] == "first"


async def test_of_ten_writers_with_one_etag_one_wins(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    responses = await asyncio.gather(
        *(
            as_member.put(agent_url(agent), json={"description": str(n)}, headers={"If-Match": '"0"'})
            for n in range(10)
        )
    )

    assert sorted(response.status_code for response in responses) == [200] + [412] * 9


async def test_writers_without_an_etag_do_not_undo_one_another(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    fields = ["max_tool_calls", "timeout_seconds", "auto_end_after_minutes", "max_conversation_length"]

    await asyncio.gather(
        *(change(as_member, agent, config={field: 7}) for field in fields),
        change(as_member, agent, tools=["calculator"]),
        change(as_member, agent, llm_settings={"parameters": {"temperature": 1}}),
    )

    raw = await stored_agent(agent)
    assert {raw["config"][field] for field in fields} == {7}
    assert [tool["name"] for tool in raw["tools"]] == ["calculator"]
    assert raw["llm_settings"]["parameters"]["temperature"] == 1
    assert raw["version"] == 7


async def test_an_agent_of_the_node_server_can_be_changed(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    ours = ("revision", "status", "status_history", "consecutive_failures")
    documents = Agent.within(agent.scope)
    await documents.change_one({"_id": agent.id}, [{"$unset": list(ours)}])
    read = await as_member.get(agent_url(agent))

    response = await as_member.put(
        agent_url(agent), json={"description": "new"}, headers={"If-Match": read.headers["etag"]}
    )

    assert response.status_code == 200
    assert (response.headers["etag"], response.json()["status"]) == ('"1"', "active")


async def test_an_agent_of_another_project_is_not_found(
    as_outsider: httpx2.AsyncClient, as_member: httpx2.AsyncClient, agent: Agent, other_project: Project
) -> None:
    there = f"/organizations/{other_project.organization}/projects/{other_project.id}/agents/{agent.id}"
    here = agent_url(agent).replace(agent.project, other_project.id)

    answers = [await as_outsider.put(there, json={}), await as_member.put(here, json={})]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert {answer.json()["error"] for answer in answers} == {"Agent not found"}
    assert (await stored_agent(agent))["version"] == 1


async def test_viewers_do_not_change_agents(as_viewer: httpx2.AsyncClient, agent: Agent) -> None:
    response = await as_viewer.put(agent_url(agent), json={"description": "x"})

    assert response.status_code == 403
