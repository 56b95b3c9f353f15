"""Operators, as they are stored; another system names them by ``external_id``, unique in their project."""

from typing import Any, ClassVar, Literal

from pydantic import Field
from pymongo import ASCENDING, IndexModel

from crafter.core.documents import Moment, OmitNone, ProjectDocument, Reference
from crafter.core.queries import QueryShape
from crafter.core.time import utc_now

OperatorStatus = Literal["online", "offline", "busy"]


class ExternalOperator(ProjectDocument):
    """Somebody of another system, and whether they are there."""

    updated_field: ClassVar[str] = "updated_at"

    created_at: Moment = Field(default_factory=utc_now, alias="created_at")
    updated_at: Moment = Field(default_factory=utc_now, alias="updated_at")

    external_id: str
    name: str
    email: OmitNone[str] = None
    avatar_url: OmitNone[str] = None
    skills: list[str] = Field(default_factory=list)
    status: OperatorStatus = "offline"
    metadata: OmitNone[dict[str, Any]] = None

    references: ClassVar = (Reference("project", "projects"),)
    query_shapes: ClassVar = (
        QueryShape("one operator", {"organization": "o", "project": "p", "external_id": "e"}),
        QueryShape(
            "several operators", {"organization": "o", "project": "p", "external_id": {"$in": ["e", "f"]}}
        ),
        QueryShape("operators of a project by name", {"organization": "o", "project": "p"}, (("name", 1),)),
        QueryShape("operators who are there", {"organization": "o", "project": "p", "status": "online"}),
    )

    class Settings:
        name = "externaloperators"
        indexes = [
            IndexModel(
                [("project", ASCENDING), ("external_id", ASCENDING)],
                name="project_1_external_id_1",
                unique=True,
            ),
            IndexModel([("project", ASCENDING), ("status", ASCENDING)], name="project_1_status_1"),
            *(
                IndexModel(
                    [("organization", ASCENDING), ("project", ASCENDING), (field, ASCENDING)],
                    name=f"organization_1_project_1_{field}_1",
                    unique=field == "external_id",
                )
                for field in ("external_id", "name")
            ),
        ]
