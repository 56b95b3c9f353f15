"""What a program is told about projects and agents."""

import httpx2

from crafter.agents.configuration import LlmSettings
from crafter.agents.documents import Agent, AgentTool
from crafter.api_keys.documents import ApiKey
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.user_api_keys.documents import UserApiKey
from tests.factories import make_agent, make_project
from tests.fixtures import Cast
from tests.programs import change_key


def projects_of(cast: Cast) -> str:
    return f"/external/organizations/{cast.organization.id}/projects"


async def test_the_projects_of_the_organization_are_listed(
    as_program: httpx2.AsyncClient, cast: Cast
) -> None:
    second = await make_project(cast.organization, "Second")

    body = (await as_program.get(projects_of(cast))).json()

    assert body == {
        "success": True,
        "data": [
            {"_id": cast.project.id, "id": cast.project.id, "name": "Support"},
            {"_id": second.id, "id": second.id, "name": "Second"},
        ],
    }


async def test_the_list_of_projects_has_those_of_the_key_and_no_others(
    as_program: httpx2.AsyncClient, cast: Cast, key: UserApiKey
) -> None:
    second = await make_project(cast.organization, "Second")
    await change_key(key, allowed_projects=[second.id, cast.other_project.id, "gone"])

    rows = (await as_program.get(projects_of(cast))).json()["data"]

    assert [row["id"] for row in rows] == [second.id]


async def test_a_project_says_that_it_is_accessible(as_program: httpx2.AsyncClient, cast: Cast) -> None:
    body = (await as_program.get(f"{projects_of(cast)}/{cast.project.id}")).json()

    data = {"id": cast.project.id, "organization": cast.organization.id, "accessible": True}
    assert body == {"success": True, "data": data}


async def test_the_agents_of_a_project_that_are_on_are_listed_by_name(
    as_program: httpx2.AsyncClient, cast: Cast, agent: Agent, runtime: Runtime
) -> None:
    await make_agent(cast.project, runtime.keyring, name="off", is_active=False)
    other = await make_agent(cast.project, runtime.keyring, name="another", description="d", type="task")
    await make_agent(cast.other_project, runtime.keyring, name="foreign")

    body = (await as_program.get(f"{projects_of(cast)}/{cast.project.id}/agents")).json()

    assert body == {
        "success": True,
        "data": [
            {
                "id": other.id,
                "name": "another",
                "description": "d",
                "type": "task",
                "version": 1,
                "is_active": True,
            },
            {"id": agent.id, "name": "helper", "type": "chatbot", "version": 1, "is_active": True},
        ],
    }


async def test_an_agent_is_shown_with_its_tools_and_its_provider_and_without_its_settings(
    as_program: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    tool = AgentTool(name="api_caller", description="d", parameters={"secret": "canary"}, enabled=False)
    agent = await make_agent(
        cast.project,
        runtime.keyring,
        name="tooled",
        tools=[tool],
        system_prompt="canary",
        llm_settings=LlmSettings(model="gpt-4o"),
    )

    response = await as_program.get(f"{projects_of(cast)}/{cast.project.id}/agents/{agent.id}")

    assert response.json()["data"] == {
        "id": agent.id,
        "name": "tooled",
        "type": "chatbot",
        "version": 1,
        "is_active": True,
        "tools": [{"name": "api_caller", "description": "d", "enabled": False}],
        "api_key": {"name": "openai key", "provider": "openai"},
    }
    assert "canary" not in response.text


async def test_an_agent_whose_key_was_deleted_is_still_shown(
    as_program: httpx2.AsyncClient, cast: Cast, agent: Agent
) -> None:
    await ApiKey.within(agent.scope).delete_one({"_id": agent.api_key})

    shown = (await as_program.get(f"{projects_of(cast)}/{cast.project.id}/agents/{agent.id}")).json()

    assert shown["data"]["api_key"] is None


async def test_an_agent_of_another_project_is_not_found(
    as_program: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    second = await make_project(cast.organization, "Second")
    elsewhere = await make_agent(second, runtime.keyring)

    for agent_id in (elsewhere.id, new_id()):
        response = await as_program.get(f"{projects_of(cast)}/{cast.project.id}/agents/{agent_id}")
        assert (response.status_code, response.json()["error"]) == (404, "Agent not found")
