"""Projects, as they are stored."""

from typing import ClassVar

from pymongo import ASCENDING, IndexModel

from crafter.core.documents import OmitNone, TenantDocument
from crafter.core.queries import QueryShape
from crafter.core.tenancy import Scope


class Project(TenantDocument):
    """A project of an organization. Holding one proves that the caller was let in."""

    name: str
    description: OmitNone[str] = None

    query_shapes: ClassVar = (
        QueryShape("projects of an organization", {"organization": "o"}, (("_id", 1),), rules=("12.54",)),
        QueryShape("one project", {"_id": "p", "organization": "o"}),
    )

    class Settings:
        name = "projects"
        indexes = [
            IndexModel([("organization", ASCENDING), ("_id", ASCENDING)], name="organization_1__id_1"),
        ]

    @property
    def scope(self) -> Scope:
        """The project itself."""
        return Scope(self.organization, self.id)
