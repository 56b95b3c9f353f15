"""Provider keys, stored without going through HTTP."""

from typing import Any

from crafter.api_keys.documents import ApiKey
from crafter.core.ids import new_id
from crafter.projects.documents import Project
from crafter.providers import service as provider_service
from crafter.providers.documents import Provider


async def provider_named(name: str) -> Provider:
    """One of the default providers."""
    return next(p for p in await provider_service.list_providers() if p.name == name)


async def make_api_key(project: Project, provider_id: str, **fields: Any) -> ApiKey:
    """A key as an old LLM Crafter left it: its secret is not encrypted."""
    values = {"name": "legacy", "key": f"sk-{new_id()}", **fields}
    key = ApiKey(organization=project.organization, project=project.id, provider=provider_id, **values)
    await ApiKey.within(project.scope).insert(key.to_stored())
    return key


def keys_url(project: Project, key_id: str = "") -> str:
    """Where a project's keys are."""
    url = f"/organizations/{project.organization}/projects/{project.id}/api-keys"
    return f"{url}/{key_id}" if key_id else url
