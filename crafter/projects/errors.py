"""What can go wrong with projects."""

from crafter.core.errors import Conflict, NotFound


class ProjectNotFound(NotFound):
    """There is no such project in this organization."""

    code = "PROJECT_NOT_FOUND"
    message = "Project not found"


class ProjectInUse(Conflict):
    """Something still belongs to the project; the body lists what."""

    code = "PROJECT_IN_USE"
    message = "The project still has content. Delete what is listed here first."
