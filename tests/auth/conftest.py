"""Logins with a provider: a server that plays Google and GitHub, and a browser that goes back and forth."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi import FastAPI

from crafter.core.config import Settings, load_settings
from crafter.core.runtime import Runtime
from tests.fakes.oauth import CLIENT_ID, CLIENT_SECRET, FakeAuthorizationServer, fake_authorization_server

HERE = "http://crafter.test"
FRONTEND = "http://ui.test/app"


@pytest.fixture(scope="session")
async def authorization_server() -> AsyncIterator[FakeAuthorizationServer]:
    async with fake_authorization_server() as server:
        yield server


@pytest.fixture
def oauth(authorization_server: FakeAuthorizationServer) -> FakeAuthorizationServer:
    """Google and GitHub, without what earlier tests changed."""
    authorization_server.forget()
    return authorization_server


@pytest.fixture
def configured(oauth: FakeAuthorizationServer, runtime: Runtime) -> Iterator["Configured"]:
    """Has the service registered at both providers."""
    original = runtime.settings
    configured = Configured(runtime, oauth)
    configured.use()
    yield configured
    runtime.settings = original


@dataclass
class Configured:
    """The settings of the running service."""

    runtime: Runtime
    oauth: FakeAuthorizationServer

    def use(self, here: str = HERE, **changed: str | None) -> Settings:
        """Have the service work with these settings; None takes one away."""
        secrets = {
            name: value.get_secret_value()
            for name, value in (
                ("MONGODB_URI", self.runtime.settings.mongodb_uri),
                ("JWT_SECRET", self.runtime.settings.jwt_secret),
                ("ENCRYPTION_KEY", self.runtime.settings.encryption_key),
            )
            if value is not None
        }
        environment: dict[str, str | None] = {
            **secrets,
            "CRAFTER_EGRESS_ALLOW": f"127.0.0.1:{self.oauth.port}",
            "FRONTEND_URL": FRONTEND + "/",
        }
        for provider in ("GOOGLE", "GITHUB"):
            environment |= {
                f"{provider}_CLIENT_ID": CLIENT_ID,
                f"{provider}_CLIENT_SECRET": CLIENT_SECRET,
                f"{provider}_CALLBACK_URL": f"{here}/api/v1/auth/{provider.lower()}/callback",
                f"CRAFTER_{provider}_URL": self.oauth.url,
            }
        given = {name: value for name, value in (environment | changed).items() if value is not None}
        self.runtime.settings = load_settings(given)
        return self.runtime.settings


class Browser:
    """A person's browser: keeps cookies, and goes where it is sent, one step at a time."""

    def __init__(self, app: FastAPI, here: str = HERE) -> None:
        self.here = here
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app),
            mounts={"http://127.0.0.1": httpx2.AsyncHTTPTransport()},
        )

    async def visit(self, url: str) -> httpx2.Response:
        return await self.client.get(url if "://" in url else f"{self.here}/api/v1{url}")

    async def start(self, provider: str = "google") -> str:
        """Begin a login; the address at the provider."""
        response = await self.visit(f"/auth/{provider}")
        assert response.status_code == 302, response.text
        return response.headers["location"]

    async def consent(self, url: str) -> str:
        """Answer the provider's page; the address of the callback, with the answer."""
        response = await self.visit(url)
        assert response.status_code == 302, response.text
        return response.headers["location"]

    async def finish(self, callback: str) -> "Ending":
        """Come back; where that ends."""
        response = await self.visit(callback)
        assert response.status_code == 302, response.text
        return Ending(response)

    async def log_in(self, provider: str = "google") -> "Ending":
        return await self.finish(await self.consent(await self.start(provider)))


@dataclass
class Ending:
    """The last redirect of a login."""

    response: httpx2.Response

    @property
    def url(self) -> str:
        return self.response.headers["location"]

    @property
    def token(self) -> str:
        """The access token; the login must have ended well."""
        assert self.url.partition("?")[0] == f"{FRONTEND}/auth/success", self.url
        return self._only("token")

    @property
    def message(self) -> str:
        """The reason; the login must have ended on the error page."""
        assert self.url.partition("?")[0] == f"{FRONTEND}/auth/error", self.url
        return self._only("message")

    def _only(self, name: str) -> str:
        query = parse_qs(urlsplit(self.url).query, strict_parsing=True)
        assert set(query) == {name}
        return query[name][0]


@pytest.fixture
async def browser(app: FastAPI, configured: Configured) -> AsyncIterator[Browser]:
    browser = Browser(app)
    async with browser.client:
        yield browser


@pytest.fixture
async def other_browser(app: FastAPI, configured: Configured) -> AsyncIterator[Browser]:
    browser = Browser(app)
    async with browser.client:
        yield browser
