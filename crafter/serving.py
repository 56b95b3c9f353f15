"""``crafter serve``: prepare the database, then run the server, in one process or in several."""

import asyncio
import gc
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from crafter import bootstrap
from crafter.adoption.secrets import find_unreadable
from crafter.app import create_app
from crafter.core.config import ConfigurationError, Settings, get_settings
from crafter.core.logging import configure_logging
from crafter.core.secrets import Keyring
from crafter.deployment import Deployment, open_deployment
from crafter.edge.server import BACKLOG, server_config
from crafter.migrations.runner import MigrationFailed

WORKER_START_SECONDS = 60.0
_SHOWN = 5
_TRIED = 1_000
"""Documents of a kind whose secrets are tried at the start; crafter adopt --check tries all."""

Announce = Callable[[str], None]


def serve(settings: Settings, announce: Announce) -> None:
    """Serve until SIGTERM or SIGINT. ``announce`` gets the lines for the person who started it.

    Raises ConfigurationError before the database is touched, or before anything is answered.
    """
    with _quiet_end(), _listening(settings) as listener, open_deployment(settings) as deployment:
        app = create_app(deployment.settings)
        lines = [*asyncio.run(_prepare(deployment)), *_where(listener, deployment)]
        gc.freeze()  # the collector need not look at what is there now

        def started() -> None:
            announce("\n".join(lines))

        if settings.workers == 1:
            _Server(server_config(app, deployment.settings), started).run(sockets=[listener])
            return
        deployment.export()
        config = server_config("crafter.serving:worker", deployment.settings, factory=True)
        _Workers(config, listener, started).run()


def worker() -> FastAPI:
    """The application of a worker process, configured by its environment. It ends when its parent does."""
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    settings = get_settings()
    configure_logging(settings)
    app = create_app(settings)
    gc.freeze()
    return app


def _end_with_parent() -> None:
    """Stop in order when the parent was killed: nobody else would stop us, and the port would stay taken."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


class _Server(uvicorn.Server):
    """A server that says when it serves."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()


class _Workers(Multiprocess):
    """Server processes at one listening socket; says when all of them serve."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, started: Callable[[], None]) -> None:
        super().__init__(config, [listener])
        self._on_started = started

    def run(self) -> None:
        """Serve until told to stop. Exits with STARTUP_FAILURE when a worker could not start."""
        super().run()
        if any(process.exitcode == STARTUP_FAILURE for process in self.processes):
            sys.exit(STARTUP_FAILURE)

    def init_processes(self) -> None:
        super().init_processes()
        if all(process.wait_until_ready(WORKER_START_SECONDS) for process in self.processes):
            self._on_started()

    def terminate_all(self) -> None:
        """Callers are refused at once; otherwise they would wait at our copy of the socket, for nobody."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


async def _prepare(deployment: Deployment) -> list[str]:
    """Make the database ready, and say what an operator has to do about it. Raises ConfigurationError."""
    database = await deployment.connect()
    try:
        prepared = await bootstrap.prepare(database, everything=deployment.embedded_in is not None)
        unreadable = await find_unreadable(
            database.db, Keyring.from_settings(deployment.settings), most=_TRIED
        )
    except MigrationFailed as error:
        raise ConfigurationError([f"{error.message} Mend the cause, then run: crafter migrate up"]) from None
    finally:
        await database.close()
    lines = [f"{secret}: ENCRYPTION_KEY is another one than it was" for secret in unreadable[:_SHOWN]]
    if len(unreadable) > _SHOWN:
        lines.append(f"… and {len(unreadable) - _SHOWN} more secrets; see: crafter adopt --check")
    if prepared.indexes_missing:
        missing = ", ".join(prepared.indexes_missing)
        lines += prepared.refused_by_duplicates
        lines.append(f"Not ready until these unique indexes exist: {missing}. Run: crafter init")
    return lines


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
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """A listening socket, before the slow part: who connects now is answered after it. Raises ConfigurationError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
            listener.listen(BACKLOG)
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
