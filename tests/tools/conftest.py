"""Tools outlive a test, since they belong to all of them: what a test here changed is put back."""

from collections.abc import AsyncIterator

import pytest

from crafter.core.runtime import Runtime
from crafter.tools import service as tool_service
from crafter.tools.documents import Tool


@pytest.fixture(autouse=True)
async def _as_seeded(runtime: Runtime) -> AsyncIterator[None]:
    yield
    await Tool.collection().delete_many({})
    await tool_service.seed_tools()
