"""Addresses, stored documents and the vectors of LLM Crafter's encryption."""

from typing import Any

import httpx2

from crafter.agents.documents import Agent, AgentTool
from crafter.agents.secrets import secret_place
from crafter.core.runtime import Runtime
from tests.agents.bodies import agent_url, stored_agent

NODE_CIPHERTEXT = "U2FsdGVkX1+nC7MItJ8CE0/RAcmNhYT/PJbBmGBk2WY="
"""``sk-test-1234`` under the key of the tests, as the Node server encrypted it."""

NODE_SECRET = "sk-test-1234"

ALL_TOOLS = (
    "api_caller",
    "faq",
    "web_search",
    "webpage_scraper",
    "google_calendar",
    "add_slide",
    "generate_slide_audio",
)


def url(agent: Agent, part: str) -> str:
    """Where a part of an agent is."""
    return f"{agent_url(agent)}/{part}"


async def ok(client: httpx2.AsyncClient, method: str, address: str, status: int = 200, **body: Any) -> Any:
    """The answer to a request that must succeed."""
    response = await client.request(method, address, json=body if method != "GET" else None)
    assert response.status_code == status, response.text
    return response.json()


async def stored_tool(agent: Agent, name: str) -> dict[str, Any]:
    """A tool of the agent as MongoDB has it."""
    raw = await stored_agent(agent)
    tool: dict[str, Any] = next(tool for tool in raw["tools"] if tool["name"] == name)
    return tool


async def settings_of(agent: Agent, name: str) -> dict[str, Any]:
    """The settings of a tool as MongoDB has them."""
    return (await stored_tool(agent, name)).get("parameters", {})


async def store_settings(agent: Agent, name: str, parameters: dict[str, Any]) -> None:
    """Put settings into the database, as another server would have written them."""
    await Agent.within(agent.scope).update_one(
        {"_id": agent.id, "tools.name": name}, {"$set": {"tools.$.parameters": parameters}}
    )


async def loaded(agent: Agent) -> Agent:
    """The agent as it is now."""
    return Agent.from_stored(await stored_agent(agent))


def opened(runtime: Runtime, agent: Agent, name: str, value: str, *path: str) -> str:
    """A secret of a tool, for just the place where it is stored."""
    assert value.startswith("crafter:1:A256GCM:"), value
    return runtime.keyring.decrypt(value, secret_place(agent, ".".join(("tools", name, *path))))


def tools(*names: str) -> list[AgentTool]:
    """Tools of an agent without settings."""
    return [AgentTool(name=name, description=f"about {name}") for name in names]
