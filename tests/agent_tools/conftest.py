"""Agents whose tools can be set up."""

import pytest

from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.agent_tools.support import ALL_TOOLS, tools
from tests.factories import make_agent, make_key


@pytest.fixture
async def key(project: Project, runtime: Runtime) -> ApiKey:
    """A key of the project for OpenAI."""
    made: ApiKey = await make_key(project, runtime.keyring)
    return made


@pytest.fixture
async def agent(project: Project, runtime: Runtime, key: ApiKey) -> Agent:
    """An agent with all the tools that have settings, none of them set."""
    made: Agent = await make_agent(project, runtime.keyring, key=key, tools=tools(*ALL_TOOLS))
    return made


@pytest.fixture
async def bare(project: Project, runtime: Runtime, key: ApiKey) -> Agent:
    """An agent without tools."""
    made: Agent = await make_agent(project, runtime.keyring, name="bare", key=key)
    return made
