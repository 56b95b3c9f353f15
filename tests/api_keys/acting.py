"""What the tests of a key's life do with keys."""

from typing import Any

from httpx2 import AsyncClient, Response

from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.projects.documents import Project
from tests.api_keys.factories import keys_url
from tests.fakes.provider import FakeProvider

OLD, NEW = "sk-canary-old-0123456789", "sk-canary-new-0123456789"


async def new_key(client: AsyncClient, project: Project, secret: str, **fields: Any) -> ApiKey:
    body = {"name": "k", "key": secret, "provider": "openai", **fields}
    created = await client.post(keys_url(project), json=body)
    assert created.status_code == 201, created.text
    return await again(project, created.json()["id"])


async def again(project: Project, key_id: str) -> ApiKey:
    return await api_key_service.get_key(project.scope, key_id)


async def act(client: AsyncClient, key: ApiKey, verb: str, body: Any = None, **headers: str) -> Response:
    path = f"/organizations/{key.organization}/projects/{key.project}/api-keys/{key.id}:{verb}"
    return await client.post(path, json=body, headers=headers)


def sent(provider: FakeProvider) -> list[str]:
    return [request.headers["authorization"].removeprefix("Bearer ") for request in provider.requests]
