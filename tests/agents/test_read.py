"""Reading agents: one, lists, their order and filters, old documents, and who may."""

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from crafter.agents.configuration import AgentConfig
from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.organizations.documents import Organization
from crafter.projects.documents import Project
from tests.agents.bodies import agent_url, agents_url
from tests.factories import make_agent


async def names(client: httpx2.AsyncClient, project: Project, query: str = "") -> list[str]:
    response = await client.get(agents_url(project) + query)
    assert response.status_code == 200, response.text
    return [agent["name"] for agent in response.json()]


async def test_one_agent_has_its_key_with_the_whole_provider(
    as_viewer: httpx2.AsyncClient, runtime: Runtime, project: Project, key: ApiKey
) -> None:
    agent = await make_agent(project, runtime.keyring, key=key)

    response = await as_viewer.get(agent_url(agent))

    shown = response.json()["api_key"]
    assert response.status_code == 200
    assert response.headers["etag"] == '"0"'
    assert (shown["_id"], shown["name"], shown["project"]) == (key.id, key.name, project.id)
    assert {"_id", "name", "models", "createdAt", "updatedAt", "__v"} <= set(shown["provider"])
    assert "key" not in shown


async def test_the_list_has_the_keys_with_the_name_of_the_provider(
    as_viewer: httpx2.AsyncClient, runtime: Runtime, project: Project, key: ApiKey
) -> None:
    agent = await make_agent(project, runtime.keyring, key=key)

    [listed] = (await as_viewer.get(agents_url(project))).json()

    assert listed["_id"] == listed["id"] == agent.id
    assert set(listed["api_key"]["provider"]) == {"_id", "name"}
    assert listed["api_key"]["provider"]["name"] == "openai"
    assert listed["config"] == AgentConfig().model_dump()
    assert "status_history" not in listed


async def test_an_agent_whose_key_was_deleted_has_an_empty_one(
    as_viewer: httpx2.AsyncClient, runtime: Runtime, project: Project, key: ApiKey
) -> None:
    agent = await make_agent(project, runtime.keyring, key=key)
    await ApiKey.within(project.scope).delete_one({"_id": key.id})

    one = (await as_viewer.get(agent_url(agent))).json()
    [listed] = (await as_viewer.get(agents_url(project))).json()

    assert one["api_key"] == listed["api_key"] == {}


@pytest.fixture
async def four(runtime: Runtime, project: Project, key: ApiKey) -> list[Agent]:
    """Four agents, the oldest first."""
    differences: list[tuple[str, dict[str, Any]]] = [
        ("bot-b", {}),
        ("bot-a", {"type": "task"}),
        ("a-bot", {"is_active": False, "type": "task"}),
        ("bot_c", {"status": "error"}),
    ]
    made: list[Agent] = []
    for day, (name, fields) in enumerate(differences, start=1):
        fields["created_at"] = datetime(2026, 1, day, tzinfo=UTC)
        made.append(await make_agent(project, runtime.keyring, key=key, name=name, **fields))
    return made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["bot_c", "a-bot", "bot-a", "bot-b"]),
        ("?sort=-createdAt", ["bot_c", "a-bot", "bot-a", "bot-b"]),
        ("?sort=name", ["a-bot", "bot-a", "bot-b", "bot_c"]),
        ("?type=task", ["a-bot", "bot-a"]),
        ("?status=active", ["bot-a", "bot-b"]),
        ("?status=inactive", ["a-bot"]),
        ("?status=error", ["bot_c"]),
        ("?type=task&status=active", ["bot-a"]),
        ("?name=bot&sort=name", ["bot-a", "bot-b", "bot_c"]),
        ("?name=bot-", ["bot-a", "bot-b"]),
        ("?name=.", []),
        ("?name=^b", []),
        ("?name=BOT", []),
        ("?limit=2", ["bot_c", "a-bot"]),
        ("?page=2&limit=3", ["bot-b"]),
        ("?page=1", ["bot_c", "a-bot", "bot-a", "bot-b"]),
        ("?page=0&limit=0", ["bot_c"]),
        ("?page=1000000000000000000&limit=100", []),
        ("?limit=-5", ["bot_c"]),
    ],
)
async def test_lists_can_be_filtered_sorted_and_paged(
    as_viewer: httpx2.AsyncClient, project: Project, four: list[Agent], query: str, expected: list[str]
) -> None:
    assert await names(as_viewer, project, query) == expected


@pytest.mark.parametrize(
    "query", ["type=robot", "status=busy", "sort=version", "page=x", "limit=1.5", "name=" + "x" * 101]
)
async def test_a_query_that_means_nothing_is_named(
    as_viewer: httpx2.AsyncClient, project: Project, query: str
) -> None:
    response = await as_viewer.get(f"{agents_url(project)}?{query}")

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert (error["path"], error["location"]) == (query.partition("=")[0], "query")


async def test_the_status_is_right_where_the_node_server_changed_only_is_active(
    as_viewer: httpx2.AsyncClient, project: Project, four: list[Agent]
) -> None:
    documents = Agent.within(project.scope)
    await documents.change_one({"name": "bot-b"}, [{"$set": {"is_active": False}}])
    await documents.change_one({"name": "a-bot"}, [{"$set": {"is_active": True}}, {"$unset": "status"}])

    listed = {agent["name"]: agent["status"] for agent in (await as_viewer.get(agents_url(project))).json()}

    assert listed == {"bot_c": "error", "a-bot": "active", "bot-a": "active", "bot-b": "inactive"}
    assert await names(as_viewer, project, "?status=active&sort=name") == ["a-bot", "bot-a"]
    assert await names(as_viewer, project, "?status=inactive") == ["bot-b"]
    switched = (await as_viewer.get(f"{agent_url(four[0])}/status")).json()
    assert (switched["status"], switched["history"]) == ("inactive", [])


async def test_an_old_document_is_read_with_the_defaults_of_today(
    as_viewer: httpx2.AsyncClient, project: Project, key: ApiKey
) -> None:
    raw: dict[str, Any] = {
        "_id": new_id(),
        "organization": project.organization,
        "project": project.id,
        "name": "old",
        "type": "chatbot",
        "system_prompt": "You are old.",
        "api_key": key.id,
        "llm_settings": {"model": "gpt-4o-mini", "parameters": {"temperature": 1.0}},
        "config": {"enable_streaming": True},
        "createdAt": datetime(2024, 1, 1, tzinfo=UTC),
        "updatedAt": datetime(2024, 1, 1, tzinfo=UTC),
        "__v": 3,
    }
    await Agent.within(project.scope).insert(raw)

    one = (await as_viewer.get(f"{agents_url(project)}/{raw['_id']}")).json()
    [listed] = (await as_viewer.get(agents_url(project))).json()

    assert {**one, "api_key": ""} == {**listed, "api_key": ""}
    assert one["config"] == AgentConfig(enable_streaming=True).model_dump()
    assert one["llm_settings"]["parameters"]["max_tokens"] == 1000
    assert (one["version"], one["is_active"], one["status"], one["__v"]) == (1, True, "active", 3)
    assert one["gdpr"] == {"encrypt_messages": False, "retention_days": None}
    assert one["hooks"] == one["tools"] == one["message_transformers"] == []
    assert one["question_suggestions"] == {"enabled": False, "count": 3}
    assert "description" not in one


async def test_a_project_names_its_agents_when_it_is_asked_for_them(
    as_viewer: httpx2.AsyncClient, project: Project, four: list[Agent]
) -> None:
    url = f"/organizations/{project.organization}/projects/{project.id}?include=agents"

    listed = (await as_viewer.get(url)).json()["agents"]

    first = four[2]
    assert [agent["name"] for agent in listed] == ["a-bot", "bot-a", "bot-b", "bot_c"]
    assert listed[0] == {
        "_id": first.id,
        "id": first.id,
        "name": "a-bot",
        "type": "task",
        "status": "inactive",
    }


async def test_a_document_that_is_broken_does_not_break_the_list(
    as_viewer: httpx2.AsyncClient, project: Project, four: list[Agent]
) -> None:
    broken = {
        "tools": "calculator",
        "hooks": [1],
        "config": {"handoff_config": 5},
        "metadata": "{",
        "gdpr": None,
    }
    await Agent.within(project.scope).update_one({"name": "bot-b"}, {"$set": broken})

    listed = (await as_viewer.get(f"{agents_url(project)}?sort=name")).json()

    assert [agent["name"] for agent in listed] == ["a-bot", "bot-a", "bot-b", "bot_c"]
    assert (listed[2]["tools"], listed[2]["hooks"]) == ([], [])
    assert listed[2]["config"] == AgentConfig().model_dump()


async def test_projects_see_only_their_own_agents(
    as_member: httpx2.AsyncClient,
    as_outsider: httpx2.AsyncClient,
    organization: Organization,
    other_project: Project,
    project: Project,
    four: list[Agent],
) -> None:
    foreign = f"/organizations/{organization.id}/projects/{other_project.id}/agents"
    theirs = f"/organizations/{other_project.organization}/projects/{other_project.id}/agents"

    assert (await as_outsider.get(theirs)).json() == []
    assert (await as_member.get(foreign)).status_code == 404
    assert (await as_outsider.get(agents_url(project))).status_code == 403
    for client, url in ((as_member, foreign), (as_outsider, theirs)):
        response = await client.get(f"{url}/{four[0].id}")
        assert (response.status_code, response.json()["error"]) == (404, "Agent not found")


async def test_a_list_costs_as_many_queries_for_five_agents_as_for_one(
    as_viewer: httpx2.AsyncClient, runtime: Runtime, project: Project
) -> None:
    counts = []
    for number in range(5):
        await make_agent(project, runtime.keyring, name=f"agent-{number}")
        counts.append(await queries_of(runtime, as_viewer.get(agents_url(project))))

    listed = (await as_viewer.get(agents_url(project))).json()
    assert len({agent["api_key"]["_id"] for agent in listed}) == 5
    assert counts[0] == counts[-1] > 3


async def queries_of(runtime: Runtime, request: Awaitable[httpx2.Response]) -> int:
    """How many queries a request makes, as the server counts them."""
    db = runtime.database.db
    await db.command("profile", 2)
    try:
        assert (await request).status_code == 200
    finally:
        await db.command("profile", 0)
    count: int = await db["system.profile"].count_documents({"op": "query"})
    await db["system.profile"].drop()
    return count
