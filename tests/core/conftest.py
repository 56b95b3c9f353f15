"""A database connection of its own for tests of the core."""

import secrets
from collections.abc import AsyncIterator

import pytest

from crafter.core.config import Settings, load_settings
from crafter.core.database import Database
from tests.database import with_database


def settings_with(**environment: str) -> Settings:
    return load_settings(environment)


@pytest.fixture
async def database(mongodb_uri: str) -> AsyncIterator[Database]:
    """A connection to an empty database of its own."""
    uri = with_database(mongodb_uri, f"crafter_test_{secrets.token_hex(6)}")
    database = await Database.connect(uri, settings_with(), [])
    yield database
    await database.client.drop_database(database.db.name)
    await database.close()
