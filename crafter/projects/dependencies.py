"""From the project in the path to the document."""

from typing import Annotated

from fastapi import Depends

from crafter.core.ids import EntityId
from crafter.organizations.dependencies import CurrentAccess
from crafter.projects import service as project_service
from crafter.projects.documents import Project


async def get_project(project_id: EntityId, access: CurrentAccess) -> Project:
    """One hop from the organization: another organization's project is 404."""
    return await project_service.get_project(access, project_id)


CurrentProject = Annotated[Project, Depends(get_project)]
