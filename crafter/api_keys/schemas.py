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

Limit = Annotated[int, Field(ge=1, le=10**12)]
"""How much of something; none at all is a key that is switched off."""


class RateLimitsInput(RequestBody):
    """How much may be asked with a key, by all of the project together; absent: as much as one likes."""

    requests_per_minute: Limit | None = None
    tokens_per_minute: Limit | None = None
    daily_token_limit: Limit | None = None


class ApiKeyCreate(ContractBody):
    """A new key for one provider."""

    name: Annotated[Name, Field(examples=["Production"])]
    key: Secret
    provider: EntityId
    rate_limits: RateLimitsInput | None = None


class ApiKeyUpdate(RequestBody):
    """A key's new name, whether it may be used, and its limits; what is absent stays as it is.

    ``rate_limits`` replaces all of them: ``{}`` takes them away.
    """

    name: Name | None = None
    is_active: bool | None = None
    rate_limits: RateLimitsInput | None = None


class RateLimitsRead(ResponseBody):
    """How much may be asked with a key."""

    requests_per_minute: OmitNone[int] = None
    tokens_per_minute: OmitNone[int] = None
    daily_token_limit: OmitNone[int] = None


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

    total_requests: int
    total_tokens: int
    total_cost: float
    usage_by_model: list[ModelUsageRead]
    last_used_at: OmitNone[WireTime] = None


class ApiKeyShown(Resource):
    """A key inside something else, with its provider."""

    name: str
    provider: KeyProvider
    project: EntityId
    is_active: bool
    usage: UsageRead
    rate_limits: OmitNone[RateLimitsRead] = None


class ApiKeyRead(ApiKeyShown):
    """A key, recognizable by the end of its secret."""

    masked_key: str


class ApiKeyPage(ResponseBody):
    """A page of a project's keys."""

    data: list[ApiKeyRead]
    page: dict[str, object]
