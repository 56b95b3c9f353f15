"""Every query and every rule about projects."""

from typing import Any

from crafter.core.etags import revision_filter, stale
from crafter.core.references import find_dependants
from crafter.core.tenancy import Scope
from crafter.organizations.service import Access
from crafter.projects.documents import Project
from crafter.projects.errors import ProjectInUse, ProjectNotFound
from crafter.projects.schemas import ProjectCreate, ProjectRead, ProjectUpdate


async def create_project(access: Access, new: ProjectCreate) -> Project:
    """Make a project in the caller's organization."""
    project = Project(organization=access.organization, name=new.name, description=new.description)
    await Project.within(access.scope).insert(project.to_stored())
    return project


async def list_projects(access: Access, *, limit: int = 1_000) -> list[ProjectRead]:
    """The organization's projects, oldest first; with a key that names some, these."""
    named = {"_id": {"$in": sorted(access.key.projects)}} if access.key and access.key.projects else {}
    rows = await Project.within(access.scope).find(
        named, fields=ProjectRead.fields(), sort=[("_id", 1)], limit=limit
    )
    return [ProjectRead.from_stored(row) for row in rows]


async def count_projects(scope: Scope) -> int:
    """How many projects there are, counted up to 10,000."""
    return await Project.within(scope).count({})


async def get_project(access: Access, project_id: str) -> Project:
    """One project of the organization. Raises ProjectAccessDenied, and ProjectNotFound, also for another's."""
    access.require_project(project_id)
    raw = await Project.within(access.scope).find_one({"_id": project_id})
    if raw is None:
        raise ProjectNotFound
    return Project.from_stored(raw)


async def update_project(project: Project, changes: ProjectUpdate, revision: int | None) -> Project:
    """Change some fields. Raises StaleWrite and ProjectNotFound."""
    given = changes.given()
    update: dict[str, Any] = {"$set": {name: value for name, value in given.items() if value is not None}}
    if cleared := {name: "" for name, value in given.items() if value is None}:
        update["$unset"] = cleared
    projects = Project.within(_organization(project))
    raw = await projects.change_one({"_id": project.id, **revision_filter(revision)}, update)
    if raw is not None:
        return Project.from_stored(raw)
    now = await projects.find_one({"_id": project.id}, fields={"revision": 1})
    raise stale(now.get("revision", 0)) if now else ProjectNotFound()


async def delete_project(project: Project, revision: int | None) -> None:
    """Delete an empty project. Raises ProjectInUse with a list of what belongs to it, and StaleWrite."""
    if dependants := await find_dependants(project.scope, "projects", project.id):
        raise ProjectInUse(dependants=dependants)
    projects = Project.within(_organization(project))
    if not await projects.delete_one({"_id": project.id, **revision_filter(revision)}):
        now = await projects.find_one({"_id": project.id}, fields={"revision": 1})
        raise stale(now.get("revision", 0)) if now else ProjectNotFound()


def _organization(project: Project) -> Scope:
    return Scope(project.organization)
