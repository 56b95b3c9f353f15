"""An empty database for each test about indexes, beside those of other tests on the same server."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from indexes.server import Db


@pytest.fixture(scope="session")
async def client(mongodb_uri: str) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    """A connection with the driver's own options."""
    async with AsyncMongoClient[dict[str, Any]](mongodb_uri, tz_aware=True) as client:
        yield client


@pytest.fixture
async def db(client: AsyncMongoClient[dict[str, Any]]) -> AsyncIterator[Db]:
    """A database that does not exist yet, and is dropped afterwards."""
    db = client[f"{client.get_default_database('test').name}_indexes"]
    yield db
    await client.drop_database(db)
