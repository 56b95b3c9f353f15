"""From the key in the path to the document."""

from typing import Annotated

from fastapi import Depends

from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.core.ids import EntityId
from crafter.organizations.dependencies import CurrentAccess
from crafter.projects import service as project_service
from crafter.projects.dependencies import CurrentProject
from crafter.projects.errors import ProjectNotFound


async def get_api_key(api_key_id: EntityId, project: CurrentProject) -> ApiKey:
    """One hop from the project: another project's key is 404."""
    return await api_key_service.get_key(project.scope, api_key_id)


async def get_key_to_delete(api_key_id: EntityId, project_id: EntityId, access: CurrentAccess) -> ApiKey:
    """The same; but for a missing project this route has a sentence of its own."""
    try:
        project = await project_service.get_project(access, project_id)
    except ProjectNotFound:
        raise ProjectNotFound("Project not found in this organization") from None
    return await api_key_service.get_key(project.scope, api_key_id)


CurrentApiKey = Annotated[ApiKey, Depends(get_api_key)]
KeyToDelete = Annotated[ApiKey, Depends(get_key_to_delete)]
