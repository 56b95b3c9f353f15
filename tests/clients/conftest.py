"""An administrator in the web UI, in a project with a key."""

import httpx2
import pytest

from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from tests.clients.page import Page
from tests.factories import make_key
from tests.fixtures import Cast


@pytest.fixture
def ui(as_admin: httpx2.AsyncClient) -> Page:
    return Page(as_admin)


@pytest.fixture
def organization_path(cast: Cast) -> str:
    return f"/organizations/{cast.organization.id}"


@pytest.fixture
def base(cast: Cast, organization_path: str) -> str:
    return f"{organization_path}/projects/{cast.project.id}"


@pytest.fixture
async def key(cast: Cast, runtime: Runtime) -> ApiKey:
    made: ApiKey = await make_key(cast.project, runtime.keyring)
    return made
