"""What every test can ask for."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.database import NO_MONGOD, SharedServer, drop_database, with_database

pytest_plugins = ("tests.fixtures",)

SERVER = pytest.StashKey[SharedServer]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SERVER] = SharedServer()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the one server is; this runs in the process that has the workers."""
    node.workerinput["mongodb_uri"] = node.config.stash[SERVER].uri()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[SERVER].stop()


@pytest.fixture(scope="session")
def mongodb_uri(request: pytest.FixtureRequest) -> Iterator[str]:
    """A real replica set, with a database of this process; skips where there is none to be had."""
    workerinput: dict[str, Any] | None = getattr(request.config, "workerinput", None)
    uri = request.config.stash[SERVER].uri() if workerinput is None else workerinput["mongodb_uri"]
    if uri is None:
        pytest.skip(NO_MONGOD)
    own = with_database(uri, f"crafter_test_{os.getpid()}")
    yield own
    drop_database(own)
