"""Platform keys on the wire."""

from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BeforeValidator, Field, StringConstraints, computed_field

from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import ContractBody, IdentifiedResource, Instant, ResponseBody, WireTime
from crafter.core.time import utc_now
from crafter.user_api_keys.documents import KeyScope

T = TypeVar("T")

_VISIBLE = 8


def _known_scopes(value: Any) -> Any:
    if isinstance(value, list):
        known = set(KeyScope)
        unknown = [str(scope) for scope in value if not isinstance(scope, str) or scope not in known]
        if unknown:
            raise ValueError(f"Invalid scopes: {', '.join(scope[:40] for scope in unknown[:5])}")
    return value


KeyName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=50),
    Field(examples=["Website widget"]),
]
Scopes = Annotated[
    list[KeyScope],
    BeforeValidator(_known_scopes),
    Field(min_length=1, max_length=len(KeyScope), examples=[["agents:execute", "agents:chat"]]),
]
AllowedProjects = Annotated[list[EntityId], Field(max_length=200)]


class RestrictionsInput(ContractBody):
    """Where a key may be used from, and how often; replaces what was set before."""

    ip_whitelist: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=200)] = Field(
        default_factory=list
    )
    domain_whitelist: Annotated[list[Annotated[str, Field(max_length=253)]], Field(max_length=200)] = Field(
        default_factory=list
    )
    rate_limit_override: int | None = Field(None, ge=1, le=1_000)
    max_executions_per_day: int | None = Field(None, ge=1, le=1_000_000_000)


class UserApiKeyCreate(ContractBody):
    """A new key; no allowed projects means all of the organization."""

    name: KeyName
    scopes: Scopes
    restrictions: RestrictionsInput = Field(default_factory=RestrictionsInput)
    expires_at: Instant | None = None
    allowed_projects: AllowedProjects = Field(default_factory=list)


class UserApiKeyUpdate(ContractBody):
    """Some fields of a key; absent ones stay as they are, a null ``expires_at`` removes the expiry."""

    clearable: ClassVar = frozenset({"expires_at"})

    name: KeyName | None = None
    scopes: Scopes | None = None
    restrictions: RestrictionsInput | None = None
    expires_at: Instant | None = None
    allowed_projects: AllowedProjects | None = None


class RestrictionsRead(ResponseBody):
    """Where a key may be used from, and how often."""

    ip_whitelist: list[str]
    domain_whitelist: list[str]
    rate_limit_override: OmitNone[int] = None
    max_executions_per_day: OmitNone[int] = None


class UsageRead(ResponseBody):
    """How often a key was used."""

    total_requests: int
    executions_today: int
    last_reset_date: WireTime
    last_used_at: OmitNone[WireTime] = None


class ProjectName(ResponseBody):
    """A project inside a key."""

    stored_id: str = Field(alias="_id")
    name: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """The same as ``_id``."""
        return self.stored_id


class UserApiKeyRead(IdentifiedResource):
    """A key, without what makes it work; projects are ids after a change, and named where keys are read."""

    name: str
    user: EntityId
    organization: EntityId
    scopes: list[str]
    restrictions: RestrictionsRead
    usage: UsageRead
    expires_at: WireTime | None
    is_active: bool
    created_by: EntityId
    last_rotated_at: OmitNone[WireTime] = None
    allowed_projects: list[EntityId] | list[ProjectName]

    @computed_field(alias="created_at")  # type: ignore[prop-decorator]
    @property
    def created(self) -> WireTime | None:
        """The same as ``createdAt``, where the web UI looks for it."""
        return self.created_at

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_expired(self) -> bool | None:
        """Whether the key's time is over; null where it never is."""
        return None if self.expires_at is None else self.expires_at <= utc_now()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def masked_key(self) -> str:
        """Something to tell keys apart by; it is made of the id, the key itself is not known any more."""
        return f"ak_{'*' * 32}{self.stored_id[-_VISIBLE:]}"


class UserApiKeyCreated(ResponseBody):
    """A new key, in clear for the only time."""

    id: str
    name: str
    api_key: str
    scopes: list[str]
    restrictions: RestrictionsRead
    expires_at: WireTime | None
    allowed_projects: list[EntityId]
    created_at: WireTime


class UserApiKeyRotated(ResponseBody):
    """The new value of a key, in clear for the only time."""

    id: str
    name: str
    api_key: str
    rotated_at: WireTime


class UserApiKeyUsage(ResponseBody):
    """How often a key was used, and how often it still may be used today."""

    api_key_id: str
    name: str
    usage: UsageRead
    restrictions: RestrictionsRead
    daily_limit_remaining: int | None
    is_within_daily_limit: bool


class Succeeded(ResponseBody):
    """What was done."""

    success: Literal[True] = True
    message: str


class Answer(ResponseBody, Generic[T]):
    """The frame around what is answered."""

    success: Literal[True] = True
    data: T
    message: OmitNone[str] = None
