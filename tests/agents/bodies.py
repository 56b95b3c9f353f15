"""Addresses and bodies for the tests of agents."""

from typing import Any

from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.projects.documents import Project


def agents_url(project: Project) -> str:
    """Where the agents of a project are."""
    return f"/organizations/{project.organization}/projects/{project.id}/agents"


def agent_url(agent: Agent) -> str:
    """Where an agent is."""
    return f"/organizations/{agent.organization}/projects/{agent.project}/agents/{agent.id}"


def new_agent(key: ApiKey, **fields: Any) -> dict[str, Any]:
    """A body that makes an agent."""
    return {
        "name": "helper",
        "type": "chatbot",
        "system_prompt": "You are kind.",
        "api_key": key.id,
        "llm_settings": {"model": "gpt-4o-mini"},
        **fields,
    }


async def stored_agent(agent: Agent) -> dict[str, Any]:
    """The agent as MongoDB has it."""
    raw = await Agent.within(agent.scope).find_one({"_id": agent.id})
    assert raw is not None
    return raw
