"""A database of its own on the shared server for services that bring none."""

import os
from collections.abc import Iterator

import pytest

from tests.database import drop_database, with_database
from tests.fakes.provider import FakeProvider
from tests.process.service import SECRETS


@pytest.fixture
def own_uri(mongodb_uri: str) -> Iterator[str]:
    """The connection string of a database that does not exist yet, and is dropped afterwards."""
    uri = with_database(mongodb_uri, f"crafter_process_{os.getpid()}")
    yield uri
    drop_database(uri)


@pytest.fixture
def on_server(own_uri: str, provider: FakeProvider) -> dict[str, str]:
    """The settings of a service on that database, whose models are the fake provider's."""
    return {"MONGODB_URI": own_uri, **SECRETS, **vendor_of(provider)}


@pytest.fixture
def on_its_own(provider: FakeProvider) -> dict[str, str]:
    """The settings of a service with an embedded database, whose models are the fake provider's."""
    return vendor_of(provider)


def vendor_of(provider: FakeProvider) -> dict[str, str]:
    """The settings that make a fake provider the vendor of every model."""
    return {
        "OPENAI_BASE_URL": provider.base_url,
        "CRAFTER_EGRESS_ALLOW": f"127.0.0.1:{provider.port}",
        "CRAFTER_PROVIDER_TIMEOUT": "60",
        "CRAFTER_PROVIDER_RETRIES": "0",
    }
