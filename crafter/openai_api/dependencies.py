"""From the headers of a request to the project that it is about."""

from typing import Annotated

from fastapi import Depends, Header

from crafter.openai_api.errors import NoProject, ProjectNotFound
from crafter.organizations.errors import ProjectAccessDenied
from crafter.platform_access.dependencies import KeyAccess
from crafter.projects import service as project_service
from crafter.projects.documents import Project
from crafter.projects.errors import ProjectNotFound as NoSuchProject


async def get_project(
    access: KeyAccess,
    x_crafter_project: Annotated[
        str | None, Header(max_length=100, description="Id of the project; the same as OpenAI-Project.")
    ] = None,
    openai_project: Annotated[
        str | None,
        Header(max_length=100, description="Id of the project; without it the key's oldest project."),
    ] = None,
) -> Project:
    """The project that is named, or the oldest that the key may be used in. Raises ProjectNotFound and NoProject."""
    wanted = x_crafter_project or openai_project
    if not wanted:
        projects = await project_service.list_projects(access, limit=1)
        if not projects:
            raise NoProject
        wanted = projects[0].stored_id
    try:
        return await project_service.get_project(access, wanted)
    except (NoSuchProject, ProjectAccessDenied):
        raise ProjectNotFound from None


AskedProject = Annotated[Project, Depends(get_project)]
