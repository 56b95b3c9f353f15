"""Deleting agents, and what goes with them."""

import httpx2
import pytest

from crafter.agents import service as agent_service
from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.agents.bodies import agent_url
from tests.factories import make_agent


@pytest.fixture
async def agent(runtime: Runtime, project: Project) -> Agent:
    made: Agent = await make_agent(project, runtime.keyring)
    return made


async def test_an_admin_deletes_an_agent(as_admin: httpx2.AsyncClient, agent: Agent) -> None:
    response = await as_admin.delete(agent_url(agent))
    again = await as_admin.delete(agent_url(agent))

    assert (response.status_code, response.json()) == (200, {"message": "Agent deleted successfully"})
    assert (again.status_code, again.json()["error"]) == (404, "Agent not found")


async def test_members_do_not_delete_agents(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    response = await as_member.delete(agent_url(agent))

    assert response.status_code == 403
    assert response.json()["error"] == "Access denied: admin role required"


async def test_a_stale_deletion_is_refused(as_admin: httpx2.AsyncClient, agent: Agent) -> None:
    await as_admin.put(agent_url(agent), json={"description": "new"})

    stale = await as_admin.delete(agent_url(agent), headers={"If-Match": '"0"'})
    fresh = await as_admin.delete(agent_url(agent), headers={"If-Match": '"1"'})

    assert (stale.status_code, fresh.status_code) == (412, 200)


async def test_what_belongs_to_the_agent_is_told_that_it_is_gone(
    as_admin: httpx2.AsyncClient, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, bool]] = []

    async def react(deleted: Agent) -> None:
        told.append((deleted.id, await Agent.within(deleted.scope).exists({"_id": deleted.id})))

    monkeypatch.setattr(agent_service, "_when_agent_deleted", [])
    agent_service.when_agent_deleted(react)
    agent_service.when_agent_deleted(react)

    await as_admin.delete(agent_url(agent), headers={"If-Match": '"7"'})
    await as_admin.delete(agent_url(agent))

    assert told == [(agent.id, False)]


async def test_a_name_is_free_again(
    as_admin: httpx2.AsyncClient, runtime: Runtime, project: Project, agent: Agent
) -> None:
    await as_admin.delete(agent_url(agent))

    again = await make_agent(project, runtime.keyring, name=agent.name)

    assert again.name == agent.name


async def test_a_key_and_a_project_in_use_stay(
    as_admin: httpx2.AsyncClient, project: Project, agent: Agent
) -> None:
    home = f"/organizations/{project.organization}/projects/{project.id}"

    key = await as_admin.delete(f"{home}/api-keys/{agent.api_key}")
    whole = await as_admin.delete(home)

    for refused in (key, whole):
        assert refused.status_code == 409
        assert {
            "type": "agents",
            "count": 1,
            "items": [{"id": agent.id, "name": agent.name}],
        } in refused.json()["dependants"]
