"""A provider key to choose for prompts."""

import pytest

from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.factories import make_key


@pytest.fixture
async def key(project: Project, runtime: Runtime) -> ApiKey:
    """A key of the project for OpenAI."""
    made: ApiKey = await make_key(project, runtime.keyring)
    return made
