"""What the tests of tools share."""

import dataclasses
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.factories import make_agent
from tests.fakes.service import FakeService, fake_service
from tests.tool_runtime.support import Bench


@pytest.fixture
async def service() -> AsyncIterator[FakeService]:
    """A service on loopback that tools may call."""
    async with fake_service() as fake:
        yield fake


@pytest.fixture
async def bench(app: FastAPI, project: Project, runtime: Runtime, service: FakeService) -> Bench:
    """An agent of the project that can use any tool, and may call the one service on loopback."""
    allowed = [*runtime.settings.egress_allow, f"127.0.0.1:{service.port}"]
    settings = runtime.settings.model_copy(
        update={"egress_allow": allowed, "tenant_egress_allow": [f"127.0.0.1:{service.port}"]}
    )
    agent = await make_agent(project, runtime.keyring)
    return Bench(agent, dataclasses.replace(runtime, settings=settings), app.state.models)
