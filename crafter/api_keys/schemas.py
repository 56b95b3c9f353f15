"""Provider keys on the wire: the secret comes in once, and never goes out."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, model_validator
from pydantic_core import PydanticKnownError

from crafter.api_keys.documents import SecretStorage, StorageKind
from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import ContractBody, Instant, Name, RequestBody, Resource, ResponseBody, WireTime

Secret = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=4_096, pattern=r"^[\x20-\x7e]*$"),
    Field(
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


VariableName = Annotated[
    str,
    StringConstraints(max_length=200, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
    Field(examples=["OPENAI_API_KEY"]),
]
FilePath = Annotated[
    str,
    StringConstraints(max_length=500, pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$"),
    Field(examples=["shared/openai"]),
]


class StorageInput(RequestBody):
    """Where the server finds a secret, instead of the secret itself: ``name`` of a variable, or ``path`` of a file.

    The path begins with ``shared`` or the id of the organization, in the directory that an operator has set.
    """

    kind: Literal["environment", "file"]
    name: VariableName | None = None
    path: FilePath | None = None

    @model_validator(mode="after")
    def _names_one_place(self) -> Self:
        wanted, other = (self.name, self.path) if self.kind == "environment" else (self.path, self.name)
        if wanted is None or other is not None:
            raise ValueError("Send the name of a variable for environment, or the path of a file for file")
        return self

    def kept(self) -> SecretStorage:
        """As it is stored."""
        return SecretStorage(kind=StorageKind(self.kind), reference=self.name or self.path or "")


def _one_secret(key: str | None, info: ValidationInfo) -> str | None:
    """Raises ValueError where ``key`` and ``storage``, which comes before it, are both there, or neither is."""
    elsewhere = "storage" not in info.data or info.data["storage"] is not None
    if key is None and not elsewhere:
        raise PydanticKnownError("missing")
    if key is not None and info.data.get("storage") is not None:
        raise ValueError("Send the key itself, or its storage")
    return key


KeyOrStorage = Annotated[Secret | None, AfterValidator(_one_secret)]


class ApiKeyCreate(ContractBody):
    """A new key for one provider, which may be given by its id or its name; with its secret, or where that is kept."""

    name: Annotated[Name, Field(examples=["Production"])]
    storage: StorageInput | None = None
    key: KeyOrStorage = Field(None, validate_default=True, repr=False)
    provider: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    rate_limits: RateLimitsInput | None = None
    expires_at: Instant | None = None


class ApiKeyRotate(RequestBody):
    """A key's new secret, or where that is kept.

    For ``grace_seconds`` (at most a week) a call that the provider refuses to the new secret is made with the old one.
    """

    storage: StorageInput | None = None
    key: KeyOrStorage = Field(None, validate_default=True, repr=False)
    grace_seconds: int = Field(0, ge=0, le=7 * 86_400)


class ApiKeyUpdate(RequestBody):
    """A key's new name, whether and until when it may be used, and its limits; what is absent stays as it is.

    ``rate_limits`` replaces all of them: ``{}`` takes them away. A null ``expires_at`` takes the expiry away.
    """

    name: Name | None = None
    is_active: bool | None = None
    rate_limits: RateLimitsInput | None = None
    expires_at: Instant | None = None


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


class StorageRead(ResponseBody):
    """Where a secret is kept; which variable or file it is, only those learn who may manage keys."""

    kind: StorageKind
    name: OmitNone[str] = None
    path: OmitNone[str] = None


class ApiKeyRead(ApiKeyShown):
    """A key, recognizable by the end of its secret.

    Until ``grace_until`` the secret before is used where the new one is refused.
    """

    masked_key: str
    storage: StorageRead
    is_default: bool
    expires_at: OmitNone[WireTime] = None
    rotated_at: OmitNone[WireTime] = None
    grace_until: OmitNone[WireTime] = None
    revoked_at: OmitNone[WireTime] = None


class ApiKeyPage(ResponseBody):
    """A page of a project's keys."""

    data: list[ApiKeyRead]
    page: dict[str, object]
