"""Provider keys on the wire: the secret comes in once, and never goes out."""

from typing import Annotated

from pydantic import Field, StringConstraints

from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import ContractBody, Name, RequestBody, Resource, ResponseBody, WireTime

Secret = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=4_096, pattern=r"^[\x20-\x7e]*$"),
    Field(
        repr=False,
        examples=["sk-proj-0123456789"],
        json_schema_extra={"format": "password", "writeOnly": True},
    ),
]
"""A secret that fits into a header: printable ASCII."""


class ApiKeyCreate(ContractBody):
    """A new key for one provider."""

    name: Annotated[Name, Field(examples=["Production"])]
    key: Secret
    provider: EntityId


class ApiKeyUpdate(RequestBody):
    """A key's new name, and whether it may be used; what is absent stays as it is."""

    name: Name | None = None
    is_active: bool | None = None


class ApiKeyCreated(ResponseBody):
    """What a new key is found by."""

    id: EntityId
    name: str
    provider: EntityId
    project: EntityId
    created_at: WireTime


class KeyProvider(ResponseBody):
    """A key's provider: its id and name, or the whole of it. One that was deleted has no name."""

    stored_id: EntityId = Field(alias="_id")
    name: str
    models: OmitNone[list[str]] = None
    created_at: Annotated[OmitNone[WireTime], Field(alias="createdAt")] = None
    updated_at: Annotated[OmitNone[WireTime], Field(alias="updatedAt")] = None
    version_key: Annotated[OmitNone[int], Field(alias="__v")] = None


class ModelUsageRead(ResponseBody):
    """What was used of one model, all in all."""

    model: str
    input_tokens: int
    output_tokens: int
    cost: float
    stored_id: str = Field(alias="_id")


class UsageRead(ResponseBody):
    """What was used with a key; costs are in US dollars."""

    total_tokens: int
    total_cost: float
    usage_by_model: list[ModelUsageRead]


class ApiKeyShown(Resource):
    """A key inside something else, with its provider."""

    name: str
    provider: KeyProvider
    project: EntityId
    is_active: bool
    usage: UsageRead


class ApiKeyRead(ApiKeyShown):
    """A key, recognizable by the end of its secret."""

    masked_key: str


class ApiKeyPage(ResponseBody):
    """A page of a project's keys."""

    data: list[ApiKeyRead]
    page: dict[str, object]
