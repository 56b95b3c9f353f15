"""Providers outlive a test, since they belong to all of them: what a test here changed is put back."""

from collections.abc import AsyncIterator

import pytest

from crafter.core.runtime import Runtime
from crafter.providers import service as provider_service
from crafter.providers.documents import Provider


@pytest.fixture(autouse=True)
async def _as_seeded(runtime: Runtime) -> AsyncIterator[None]:
    yield
    await Provider.collection().delete_many({})
    await provider_service.seed_providers()
