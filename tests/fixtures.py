"""The application in a process of its tests: one database for each worker, emptied after each test."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest
from fastapi import FastAPI

from crafter import bootstrap
from crafter.agent_executions import sweeping
from crafter.app import create_app
from crafter.auth.tokens import issue_token
from crafter.core.config import Settings, load_settings
from crafter.core.database import Database
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.documents import ALL_DOCUMENTS
from crafter.organizations.documents import Organization
from crafter.organizations.permissions import Role
from crafter.projects.documents import Project
from crafter.users.documents import User
from tests.factories import make_organization, make_project, make_user
from tests.fakes.provider import FakeProvider, fake_provider

BASE_URL = "http://crafter.test/api/v1"
OPERATOR = "operator@example.com"
KEPT = ("providers", "tools")


@pytest.fixture(scope="session")
async def provider_server() -> AsyncIterator[FakeProvider]:
    """A model vendor on loopback, for the whole session."""
    async with fake_provider() as server:
        yield server


@pytest.fixture
def provider(provider_server: FakeProvider) -> FakeProvider:
    """The vendor, without what earlier tests asked and scripted."""
    provider_server.forget()
    return provider_server


@pytest.fixture(scope="session")
def settings(mongodb_uri: str, provider_server: FakeProvider) -> Settings:
    """Settings whose default providers are all the fake one."""
    vendors = ("OPENAI", "ANTHROPIC", "GOOGLE", "DEEPSEEK", "XAI")
    return load_settings(
        {
            "MONGODB_URI": mongodb_uri,
            "JWT_SECRET": "0123456789abcdef0123456789abcdef",
            "ENCRYPTION_KEY": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
            "CRAFTER_RATE_LIMITS": "off",
            "CRAFTER_OPERATORS": OPERATOR,
            "CRAFTER_EGRESS_ALLOW": f"127.0.0.1:{provider_server.port}",
            "CRAFTER_PROVIDER_TIMEOUT": "3",
            "HANDOFF_FALLBACK_INTERVAL_SECONDS": "0",
            "GDPR_RETENTION_CRON": "off",
            "CRAFTER_ADOPTION_INTERVAL": "0",
            "CRAFTER_PROVIDER_RETRIES": "0",
            **{f"{name}_BASE_URL": provider_server.base_url for name in vendors},
        }
    )


@pytest.fixture(scope="session")
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """The started application on a fresh database with all indexes."""
    assert settings.mongodb_uri is not None
    database = await Database.connect(settings.mongodb_uri.get_secret_value(), settings, ALL_DOCUMENTS)
    await bootstrap.reset(database)
    await database.close()
    application = create_app(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeping, "INTERVAL_SECONDS", 3600)  # the tests sweep by themselves
        async with application.router.lifespan_context(application):
            yield application


@pytest.fixture
async def runtime(app: FastAPI) -> AsyncIterator[Runtime]:
    """What the process holds; afterwards the database is as empty as before."""
    runtime: Runtime = app.state.runtime
    yield runtime
    await empty(runtime)


async def empty(runtime: Runtime) -> None:
    """Let everything end, and take everything out of the database but the catalogues."""
    async with asyncio.timeout(10):
        await runtime.tasks.idle()
    db = runtime.database.db
    names = await db.list_collection_names()
    ours = [name for name in names if name not in KEPT and not name.startswith("system.")]
    await asyncio.gather(*(db[name].delete_many({}) for name in ours))


@dataclass(frozen=True)
class Cast:
    """The people of a test, and where they meet."""

    admin: User
    member: User
    viewer: User
    outsider: User
    organization: Organization
    project: Project
    other_organization: Organization
    other_project: Project


@pytest.fixture
async def cast(runtime: Runtime) -> Cast:
    """An organization with one person of each role, and one of an outsider."""
    return await make_cast()


async def make_cast() -> Cast:
    """The people and where they meet, stored."""
    names = ("admin", "member", "viewer", "outsider")
    admin, member, viewer, outsider = await asyncio.gather(
        *(make_user(f"{name}@example.com") for name in names)
    )
    organization, other_organization = await asyncio.gather(
        make_organization(admin, (member, Role.member), (viewer, Role.viewer)),
        make_organization(outsider, name="Rival"),
    )
    project, other_project = await asyncio.gather(
        make_project(organization), make_project(other_organization, "Elsewhere")
    )
    return Cast(admin, member, viewer, outsider, organization, project, other_organization, other_project)


@pytest.fixture
def organization(cast: Cast) -> Organization:
    return cast.organization


@pytest.fixture
def project(cast: Cast) -> Project:
    return cast.project


@pytest.fixture
def other_organization(cast: Cast) -> Organization:
    return cast.other_organization


@pytest.fixture
def other_project(cast: Cast) -> Project:
    return cast.other_project


def client_of(app: FastAPI, user: User | None) -> httpx2.AsyncClient:
    """A client that is signed in as somebody, or as nobody."""
    headers = {}
    if user is not None:
        headers["Authorization"] = f"Bearer {issue_token(user.id, app.state.settings, utc_now())}"
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True)
    return httpx2.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers, timeout=30)


@pytest.fixture
async def as_nobody(app: FastAPI, runtime: Runtime) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app, None) as client:
        yield client


@pytest.fixture
async def as_admin(app: FastAPI, cast: Cast) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app, cast.admin) as client:
        yield client


@pytest.fixture
async def as_member(app: FastAPI, cast: Cast) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app, cast.member) as client:
        yield client


@pytest.fixture
async def as_viewer(app: FastAPI, cast: Cast) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app, cast.viewer) as client:
        yield client


@pytest.fixture
async def as_outsider(app: FastAPI, cast: Cast) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app, cast.outsider) as client:
        yield client


@pytest.fixture
async def as_operator(app: FastAPI, runtime: Runtime) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app, await make_user(OPERATOR)) as client:
        yield client
