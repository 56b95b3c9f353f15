"""Organizations and members on the wire."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, computed_field

from crafter.auth.schemas import Email
from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import (
    ContractBody,
    IdentifiedResource,
    Name,
    RequestBody,
    ResponseBody,
    Text,
    Trimmed,
)
from crafter.organizations.permissions import Role

Description = Annotated[Trimmed, Field(max_length=20_000)]


class OrganizationCreate(ContractBody):
    """A new organization; whoever makes it owns it."""

    name: Annotated[Name, Field(examples=["Acme"])]
    description: Description | None = None


class CredentialsInput(ContractBody):
    """Storage credentials; ``***`` leaves a stored key as it is."""

    access_key_id: Annotated[str | None, Field(max_length=512)] = None
    secret_access_key: Annotated[str | None, Field(max_length=512)] = None
    region: Annotated[str, Field(max_length=64)] = "us-east-1"
    bucket: Annotated[str | None, Field(max_length=255)] = None
    endpoint: Annotated[str | None, Field(max_length=2048)] = None


class MediaStorageInput(ContractBody):
    """Storage for uploads; replaces what was set before."""

    enabled: bool = False
    credentials: CredentialsInput = Field(default_factory=CredentialsInput)
    base_path: Text = ""
    max_file_size_mb: int = Field(10, ge=1, le=1024)
    allowed_mime_types: list[Annotated[str, Field(max_length=127)]] | None = Field(None, max_length=64)


class OrganizationUpdate(ContractBody):
    """Some fields of an organization; absent ones stay as they are."""

    clearable: ClassVar = frozenset({"description"})

    name: Name | None = None
    description: Description | None = None
    media_storage: MediaStorageInput | None = None


class MemberAdd(ContractBody):
    """Somebody with an account, and the role they get."""

    email: Email
    role: Role


class RoleChange(ContractBody):
    """A member's new role."""

    role: Role


class OwnershipTransfer(RequestBody):
    """The member who becomes the owner (and an admin, if they were not)."""

    user_id: EntityId


class Person(ResponseBody):
    """A user inside something else."""

    stored_id: str = Field(alias="_id")
    email: str
    name: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """The same as ``_id``."""
        return self.stored_id


class MemberRead(ResponseBody):
    """A member; the user is an id, or a person where one organization is read."""

    user: str | Person
    role: Role
    stored_id: str = Field(alias="_id", coerce_numbers_to_str=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """The same as ``_id``."""
        return self.stored_id


class OrganizationRead(IdentifiedResource):
    """An organization; the owner is an id, or a person in the list."""

    name: str
    description: OmitNone[str] = None
    owner: str | Person
    members: list[MemberRead]
    media_storage: dict[str, Any]


class MemberSummary(ResponseBody):
    """Somebody and their role, after a change."""

    user: dict[str, str]
    role: Role


class MemberChanged(ResponseBody):
    """What was done, and to whom."""

    message: str
    member: MemberSummary


class Done(ResponseBody):
    """What was done."""

    message: str
