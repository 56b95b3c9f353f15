"""What the tests of tools share."""

import pytest
from fastapi import FastAPI

from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.factories import make_agent
from tests.tool_runtime.support import Bench


@pytest.fixture
async def bench(app: FastAPI, project: Project, runtime: Runtime) -> Bench:
    """An agent of the project that can use any tool."""
    return Bench(await make_agent(project, runtime.keyring), runtime, app.state.models)
