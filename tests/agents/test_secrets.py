"""The secrets inside an agent: encrypted in the database, masked in every answer, kept when a mask comes back."""

from typing import Any

import httpx2
import pytest
from bson import ObjectId

from crafter.agents.configuration import AgentConfig, HandoffConfig
from crafter.agents.documents import Agent, AgentHook, AgentTool, MessageTransformer
from crafter.agents.secrets import HANDOFF, TRANSFORMERS, masked_parameters, secret_place
from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.agents.bodies import agent_url, agents_url, new_agent, stored_agent
from tests.factories import make_agent

CANARY = "canary-7f3a9c"
WEBHOOK = "https://hooks.example/in"
TRANSFORMER = {
    "name": "t",
    "pattern": "a+",
    "webhook_url": WEBHOOK,
    "webhook_secret": f"{CANARY}-transformer",
}
HANDOFF_CONFIG = {"webhook_url": WEBHOOK, "webhook_secret": f"{CANARY}-handoff"}


@pytest.fixture
async def agent(as_member: httpx2.AsyncClient, project: Project, key: ApiKey) -> Agent:
    """An agent whose webhooks have secrets."""
    body = new_agent(key, config={"handoff_config": HANDOFF_CONFIG}, message_transformers=[TRANSFORMER])
    response = await as_member.post(agents_url(project), json=body)
    assert response.status_code == 201
    assert CANARY not in response.text
    raw = await Agent.within(project.scope).find_one({"_id": response.json()["_id"]})
    assert raw is not None
    return Agent.from_stored(raw)


def secrets_of(raw: dict[str, Any]) -> tuple[str, str]:
    return (
        raw["config"]["handoff_config"]["webhook_secret"],
        raw["message_transformers"][0]["webhook_secret"],
    )


async def test_webhook_secrets_are_stored_encrypted_each_for_its_place(
    agent: Agent, runtime: Runtime
) -> None:
    raw = await stored_agent(agent)

    handoff, transformer = secrets_of(raw)
    assert CANARY not in str(raw)
    assert runtime.keyring.decrypt(handoff, secret_place(agent, HANDOFF)) == f"{CANARY}-handoff"
    assert runtime.keyring.decrypt(transformer, secret_place(agent, TRANSFORMERS)) == f"{CANARY}-transformer"


async def test_no_answer_shows_a_secret(
    as_admin: httpx2.AsyncClient,
    as_viewer: httpx2.AsyncClient,
    runtime: Runtime,
    project: Project,
    key: ApiKey,
) -> None:
    hidden = f"{CANARY}-x"
    agent = await make_agent(
        project,
        runtime.keyring,
        name="leaky",
        key=key,
        config=AgentConfig(handoff_config=HandoffConfig(webhook_url=WEBHOOK, webhook_secret=hidden)),
        hooks=[AgentHook(name="h", type="webhook", trigger="every_message", webhook_secret=hidden)],
        message_transformers=[
            MessageTransformer(name="t", pattern="a", webhook_url=WEBHOOK, webhook_secret=hidden)
        ],
        tools=[
            AgentTool(
                name="api_caller",
                description="d",
                parameters={
                    "endpoints": {
                        "a": {
                            "base_url": "https://x.example",
                            "authentication": {"type": "cookie", "cookie": hidden},
                        },
                        "b": {"authentication": {"type": "bearer_token", "token": hidden}},
                        "c": {"authentication": {"type": "api_key", "key_name": "X-K", "key_value": hidden}},
                    },
                    "authentication": {
                        "type": "bearer_token",
                        "config": {"anything": hidden, "deep": [hidden]},
                    },
                },
            ),
            AgentTool(name="web_search", description="d", parameters={"encrypted_api_key": hidden}),
            AgentTool(name="add_slide", description="d", parameters={"elevenlabs_api_key": hidden}),
        ],
    )
    url = agent_url(agent)
    masked = (await as_viewer.get(url)).json()
    answers = [
        await as_viewer.get(url),
        await as_viewer.get(agents_url(project)),
        await as_viewer.get(f"{url}/status"),
        await as_admin.put(url, json={"description": "new"}),
        await as_admin.put(
            url,
            json={"config": masked["config"], "message_transformers": masked["message_transformers"]},
        ),
        await as_admin.put(f"{url}/status", json={"is_active": False}),
        await as_admin.put(
            url, json={"name": "bad name", "message_transformers": [{"webhook_secret": hidden}]}
        ),
        await as_admin.delete(url),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 200, 400, 200]
    assert not [answer.request.url for answer in answers if CANARY in answer.text]
    shown = {tool["name"]: tool["parameters"] for tool in masked["tools"]}
    assert shown["web_search"] == {"encrypted_api_key": "***"}
    assert shown["api_caller"]["endpoints"]["c"] == {
        "authentication": {"type": "api_key", "key_name": "X-K", "key_value": "***"}
    }
    assert masked["hooks"][0]["webhook_secret"] == "***"


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        (
            {"encrypted_access_token": "x", "timezone": "UTC"},
            {"encrypted_access_token": "***", "timezone": "UTC"},
        ),
        (
            {"apiKey": "x", "api_key_id": "id", "max_tokens": 5},
            {"apiKey": "***", "api_key_id": "id", "max_tokens": 5},
        ),
        ({"encrypted_api_key": ""}, {"encrypted_api_key": ""}),
        ({"ref": ObjectId("6b031177a555967fc1a8be8f")}, {"ref": "6b031177a555967fc1a8be8f"}),
        ({"authentication": None}, {"authentication": None}),
        ({"authentication": "Bearer x"}, {"authentication": "***"}),
        (
            {"authentication": {"type": "x", "header": {"a": "b"}}},
            {"authentication": {"type": "x", "header": "***"}},
        ),
        (
            {"headers": {"Accept": "text/plain", "X-Api-Key": "x", "Authorization": "x"}},
            {"headers": {"Accept": "text/plain", "X-Api-Key": "***", "Authorization": "***"}},
        ),
        (
            {"endpoints": {"reset_password": {"path": "/p"}, "headers": {"key": "k", "token": "x"}}},
            {"endpoints": {"reset_password": {"path": "/p"}, "headers": {"key": "k", "token": "***"}}},
        ),
        (
            {"faqs": [{"question": "token?", "answer": "no"}]},
            {"faqs": [{"question": "token?", "answer": "no"}]},
        ),
    ],
)
def test_parameters_are_masked_by_what_their_keys_say(
    parameters: dict[str, Any], shown: dict[str, Any]
) -> None:
    assert masked_parameters(parameters) == shown


async def test_a_mask_that_comes_back_keeps_the_secret(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    read = (await as_member.get(agent_url(agent))).json()
    before = secrets_of(await stored_agent(agent))
    transformers = [{**read["message_transformers"][0], "name": "renamed", "pattern": "b"}]
    handoff = {**read["config"]["handoff_config"], "webhook_url": f"{WEBHOOK}/elsewhere"}

    response = await as_member.put(
        agent_url(agent),
        json={"config": {"handoff_config": handoff}, "message_transformers": transformers},
    )

    raw = await stored_agent(agent)
    assert response.status_code == 200
    assert secrets_of(raw) == before
    assert raw["message_transformers"][0]["name"] == "renamed"


async def test_a_transformer_without_its_id_is_known_by_its_name(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    before = secrets_of(await stored_agent(agent))

    response = await as_member.put(
        agent_url(agent), json={"message_transformers": [{**TRANSFORMER, "webhook_secret": "***"}]}
    )

    assert response.status_code == 200
    assert secrets_of(await stored_agent(agent)) == before


@pytest.mark.parametrize(
    "address", ["https://thief.example/in", "http://hooks.example/in", "https://hooks.example:8443/in", None]
)
async def test_a_stored_secret_does_not_follow_to_another_server(
    as_member: httpx2.AsyncClient, agent: Agent, address: str | None
) -> None:
    handoff = {"webhook_url": address, "webhook_secret": "***"}
    transformer = {**TRANSFORMER, "webhook_url": address or "https://thief.example", "webhook_secret": "***"}

    answers = [
        await as_member.put(agent_url(agent), json={"config": {"handoff_config": handoff}}),
        await as_member.put(agent_url(agent), json={"message_transformers": [transformer]}),
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert {answer.json()["code"] for answer in answers} == {"SECRET_REQUIRED"}
    assert (await stored_agent(agent))["version"] == 1


async def test_a_mask_without_a_stored_secret_is_refused(
    as_member: httpx2.AsyncClient, project: Project, key: ApiKey
) -> None:
    body = new_agent(key, message_transformers=[{**TRANSFORMER, "webhook_secret": "***"}])

    response = await as_member.post(agents_url(project), json=body)

    assert (response.status_code, response.json()["code"]) == (422, "SECRET_REQUIRED")


async def test_a_secret_can_be_replaced_and_removed(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    replaced = {"handoff_config": {**HANDOFF_CONFIG, "webhook_secret": "other"}}
    await as_member.put(agent_url(agent), json={"config": replaced})
    handoff, _ = secrets_of(await stored_agent(agent))

    removed = await as_member.put(
        agent_url(agent),
        json={
            "config": {"handoff_config": {"webhook_url": WEBHOOK}},
            "message_transformers": [{**TRANSFORMER, "webhook_secret": ""}],
        },
    )

    assert runtime.keyring.decrypt(handoff, secret_place(agent, HANDOFF)) == "other"
    assert removed.json()["config"]["handoff_config"]["webhook_secret"] is None
    assert "webhook_secret" not in removed.json()["message_transformers"][0]
    assert "webhook_secret" not in (await stored_agent(agent))["message_transformers"][0]


async def test_a_plain_secret_of_the_node_server_is_encrypted_when_it_is_kept(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    plain = {"config.handoff_config.webhook_secret": "from-node"}
    await Agent.within(agent.scope).update_one({"_id": agent.id}, {"$set": plain})
    read = (await as_member.get(agent_url(agent))).json()

    await as_member.put(agent_url(agent), json={"config": read["config"]})

    handoff, _ = secrets_of(await stored_agent(agent))
    assert handoff != "from-node"
    assert runtime.keyring.decrypt(handoff, secret_place(agent, HANDOFF)) == "from-node"
