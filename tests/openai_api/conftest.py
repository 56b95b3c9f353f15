"""OpenAI's own client in front of a project with a key for a provider, and an agent."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import TypeAlias

import httpx2
import openai
import pytest
import uvicorn
from fastapi import FastAPI

from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from tests.factories import make_agent, make_key
from tests.fixtures import Cast
from tests.programs import make_platform_key

URL = "http://crafter.test/openai/v1"
MODEL = "gpt-4o-mini"

MakeClient: TypeAlias = Callable[..., openai.AsyncOpenAI]


@pytest.fixture
async def provider_key(cast: Cast, runtime: Runtime) -> ApiKey:
    made: ApiKey = await make_key(cast.project, runtime.keyring, secret="sk-live-openai-api-0123456789")
    return made


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime, provider_key: ApiKey) -> Agent:
    made: Agent = await make_agent(cast.project, runtime.keyring, name="Helper", key=provider_key)
    return made


@pytest.fixture
async def platform_key(cast: Cast) -> str:
    return (await make_platform_key(cast.member, cast.organization))[0]


@pytest.fixture
async def client_of(app: FastAPI) -> AsyncIterator[MakeClient]:
    """OpenAI's client with some platform key."""
    async with AsyncExitStack() as opened:

        def make(key: str, **headers: str) -> openai.AsyncOpenAI:
            http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app))
            opened.push_async_callback(http.aclose)
            return openai.AsyncOpenAI(
                base_url=URL, api_key=key, http_client=http, max_retries=0, default_headers=headers
            )

        yield make


@pytest.fixture
def client(client_of: MakeClient, platform_key: str, provider_key: ApiKey) -> openai.AsyncOpenAI:
    """OpenAI's client with a key that may do everything, in a project with a key for a provider."""
    return client_of(platform_key)


@pytest.fixture
async def url(app: FastAPI, runtime: Runtime) -> AsyncIterator[str]:
    """The application behind a server on loopback."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/openai/v1"
        server.should_exit = True
        await serving
