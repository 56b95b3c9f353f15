"""What every test can ask for."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.database import NO_MONGOD, SharedServer, drop_database, with_database

pytest_plugins = ("tests.fixtures",)

SERVER = pytest.StashKey[SharedServer]()


# A driver that is closed while it opens one more connection leaves that socket to the garbage collector.
NEVER_CONNECTED = (
    r"Exception ignored in. <socket.socket fd=\d+, family=2, type=1, proto=6, laddr=\('127.0.0.1', \d+\)>"
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "filterwarnings", f"ignore:{NEVER_CONNECTED}:pytest.PytestUnraisableExceptionWarning"
    )
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
