"""An agent, a key and a session with it, and clients that come in with them."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from crafter.sessions.documents import SessionToken
from crafter.user_api_keys.documents import UserApiKey
from tests.factories import make_agent
from tests.fixtures import Cast
from tests.programs import make_platform_key, make_session, program


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    return await make_agent(cast.project, runtime.keyring, name="helper")


@pytest.fixture
async def issued(cast: Cast) -> tuple[str, UserApiKey]:
    return await make_platform_key(cast.member, cast.organization)


@pytest.fixture
def key(issued: tuple[str, UserApiKey]) -> UserApiKey:
    return issued[1]


@pytest.fixture
async def begun(cast: Cast, key: UserApiKey, agent: Agent) -> tuple[str, SessionToken]:
    return await make_session(key, cast.project, agent.id, max_interactions=100, client_ip="127.0.0.1")


@pytest.fixture
def session(begun: tuple[str, SessionToken]) -> SessionToken:
    return begun[1]


@pytest.fixture
async def as_program(app: FastAPI, issued: tuple[str, UserApiKey]) -> AsyncIterator[httpx2.AsyncClient]:
    async with program(app, x_api_key=issued[0]) as client:
        yield client


@pytest.fixture
async def as_visitor(app: FastAPI, begun: tuple[str, SessionToken]) -> AsyncIterator[httpx2.AsyncClient]:
    async with program(app, x_session_token=begun[0]) as client:
        yield client
