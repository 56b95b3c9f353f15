"""Clients of the small application: in process, and over a real socket."""

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import structlog
import uvicorn
from fastapi import FastAPI
from structlog.testing import capture_logs

from crafter.core.config import load_settings
from crafter.edge.server import server_config
from tests.edge.app import make_app


@pytest.fixture
def app() -> FastAPI:
    return make_app()


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with connect(app) as client:
        yield client


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    """What is logged during the test, with the ids of the requests."""
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as entries:
        yield entries


def connect(app: FastAPI, peer: tuple[str, int] = ("192.0.2.7", 50000)) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False, client=peer)
    return httpx2.AsyncClient(transport=transport, base_url="http://crafter.test")


@contextmanager
def serving(app: FastAPI, **limits: Any) -> Iterator[int]:
    """The application behind the production server, in a thread of its own; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(server_config(app, load_settings({"CRAFTER_DRAIN_SECONDS": "1"}), **limits))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The application behind the production server with its production limits."""
    with serving(make_app()) as port:
        yield port
