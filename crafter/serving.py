"""``crafter serve``: prepare the database, then run the server, in one process or in several."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from uvicorn.supervisors import Multiprocess

from crafter import bootstrap
from crafter.app import create_app
from crafter.core.config import ConfigurationError, Settings
from crafter.deployment import Deployment, open_deployment
from crafter.edge.server import server_config

Announce = Callable[[str], None]


def serve(settings: Settings, announce: Announce) -> None:
    """Serve until SIGTERM or SIGINT. ``announce`` gets the lines for the person who started it.

    Raises ConfigurationError before anything listens.
    """
    with _quiet_end(), _bound(settings) as listener, open_deployment(settings) as deployment:
        for line in asyncio.run(_prepare(deployment)):
            announce(line)
        lines = _where(listener, deployment)
        if settings.workers == 1:
            config = server_config(create_app(deployment.settings), deployment.settings)
            _AnnouncingServer(config, lambda: announce("\n".join(lines))).run(sockets=[listener])
            return
        deployment.export()
        config = server_config("crafter.app:from_environment", deployment.settings, factory=True)
        announce("\n".join(lines))
        Multiprocess(config, sockets=[listener]).run()


class _AnnouncingServer(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()


async def _prepare(deployment: Deployment) -> list[str]:
    """Make an empty or embedded database ready; for another one, say what is missing."""
    database = await deployment.connect()
    try:
        prepared = await bootstrap.prepare(database, everything=deployment.embedded_in is not None)
    finally:
        await database.close()
    if prepared.indexes_missing:
        missing = ", ".join(prepared.indexes_missing)
        return [f"Not ready until these unique indexes exist: {missing}. Run: crafter init"]
    return []


def _where(listener: socket.socket, deployment: Deployment) -> list[str]:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    lines = [f"Crafter listens on http://{shown}:{port}"]
    if deployment.embedded_in is not None:
        lines.append(f"Data is in {deployment.embedded_in} (embedded MongoDB: for trying out and for tests)")
    else:
        lines.append(f"Data is in the MongoDB at {_hosts(deployment.uri)}")
    return lines


def _hosts(uri: str) -> str:
    """The hosts of a connection string, without its credentials and options."""
    return uri.partition("://")[2].rpartition("@")[2].partition("/")[0]


@contextmanager
def _bound(settings: Settings) -> Iterator[socket.socket]:
    """A listening address, taken before the slow part. Raises ConfigurationError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise ConfigurationError(
                [f"cannot listen on {settings.host}:{settings.port}: {error.strerror}"]
            ) from None
        yield listener
    finally:
        listener.close()


@contextmanager
def _quiet_end() -> Iterator[None]:
    """Stop cleanly on SIGTERM: uvicorn raises the signal again once it has stopped, before we have."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
