"""A key, and an agent that works with it."""

import pytest
from httpx2 import AsyncClient

from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.api_keys.acting import OLD, new_key
from tests.factories import make_agent


@pytest.fixture
async def key(as_admin: AsyncClient, project: Project, runtime: Runtime) -> ApiKey:
    """A key whose secret is OLD."""
    return await new_key(as_admin, project, OLD)


@pytest.fixture
async def agent(project: Project, runtime: Runtime, key: ApiKey) -> Agent:
    """An agent that works with the key."""
    made: Agent = await make_agent(project, runtime.keyring, key=key)
    return made
