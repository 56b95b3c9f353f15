"""An agent whose model has a price, and its key."""

import pytest

from crafter.agents.configuration import GenerationParameters, LlmSettings
from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from tests.factories import make_agent, make_key
from tests.fixtures import Cast


@pytest.fixture
async def key(cast: Cast, runtime: Runtime) -> ApiKey:
    made: ApiKey = await make_key(cast.project, runtime.keyring, secret="sk-live-budgets-0123456789")
    return made


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime, key: ApiKey) -> Agent:
    settings = LlmSettings(model="gpt-4o-mini", parameters=GenerationParameters(max_tokens=100))
    made: Agent = await make_agent(cast.project, runtime.keyring, key=key, llm_settings=settings)
    return made
