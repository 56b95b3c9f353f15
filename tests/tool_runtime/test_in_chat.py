"""Tools with settings, from the route that stores these to the model that reads a result."""

import json

import httpx2
import pytest

from crafter.agents.documents import Agent, AgentTool
from crafter.conversations.documents import Conversation
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply, calling

SECRET = "canary-endpoint-token-0123456789"
FAQS = [{"question": "Do you ship abroad?", "answer": "Yes, everywhere."}]


@pytest.fixture
async def agent(project: Project, runtime: Runtime) -> Agent:
    tools = [AgentTool(name=name, description="d") for name in ("api_caller", "faq")]
    made: Agent = await make_agent(project, runtime.keyring, tools=tools)
    return made


async def test_a_model_uses_tools_with_the_agents_settings_and_learns_no_secret(
    as_member: httpx2.AsyncClient,
    agent: Agent,
    provider: FakeProvider,
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime.settings, "tenant_egress_allow", [f"127.0.0.1:{provider.port}"])
    url = f"/organizations/{agent.organization}/projects/{agent.project}/agents/{agent.id}"
    credentials = {"type": "api_key", "key_name": "key", "key_value": SECRET, "location": "query"}
    endpoint = {"base_url": provider.url, "path": "/v1/models", "authentication": credentials}
    for part, body in (("api-config", {"endpoints": {"models": endpoint}}), ("faq-config", {"faqs": FAQS})):
        assert (await as_member.post(f"{url}/{part}", json=body)).status_code == 200
    calls = (
        ("api_caller", {"endpoint_name": "models"}),
        ("faq", {"question": "do you ship abroad"}),
        ("api_caller", {"endpoint_name": "models", "headers": {"Authorization": "mine"}}),
    )
    provider.script(calling(*calls), Reply("Done."))

    answer = (await as_member.post(f"{url}/chat", json={"message": "Hi", "user_identifier": "u"})).json()

    models, faq, refused = answer["tools_used"]
    assert (models["result"]["status_code"], models["result"]["data"]["object"]) == (200, "list")
    assert models["result"]["url"] == f"{provider.url}/v1/models?key=***"
    assert faq["result"]["matched_faq"]["answer"] == "Yes, everywhere."
    assert refused["error"] == "The header 'Authorization' cannot be set"
    stored = await Conversation.within(agent.scope).find_one({"_id": answer["conversation_id"]})
    told = [request.body for request in provider.requests if request.body]
    assert "Yes, everywhere." in json.dumps(told)
    assert SECRET not in json.dumps([answer, told]) + str(stored)
