"""Projects on the wire."""

from typing import Annotated, ClassVar

from pydantic import Field

from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import ContractBody, IdentifiedResource, Name, Trimmed

Description = Annotated[Trimmed, Field(max_length=20_000)]


class ProjectCreate(ContractBody):
    """A new project."""

    name: Annotated[Name, Field(examples=["Support"])]
    description: Description | None = None


class ProjectUpdate(ContractBody):
    """Some fields of a project; absent ones stay as they are, a null description is removed."""

    clearable: ClassVar = frozenset({"description"})

    name: Name | None = None
    description: Description | None = None


class ProjectRead(IdentifiedResource):
    """A project."""

    name: str
    description: OmitNone[str] = None
    organization: EntityId
