"""A prompt that can be run."""

import pytest

from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from crafter.prompts.documents import Prompt
from tests.factories import make_key, make_prompt


@pytest.fixture
async def key(project: Project, runtime: Runtime) -> ApiKey:
    """A key of the project for OpenAI."""
    made: ApiKey = await make_key(project, runtime.keyring, secret="sk-live-prompts-0123456789")
    return made


@pytest.fixture
async def prompt(project: Project, key: ApiKey) -> Prompt:
    """``greet``: says hello to a name."""
    made: Prompt = await make_prompt(project, key=key)
    return made
