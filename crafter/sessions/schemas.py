"""Sessions on the wire."""

from typing import Annotated, Any

from pydantic import Field, computed_field, model_validator

from crafter.core.documents import OmitNone
from crafter.core.errors import FieldError, ValidationFailed
from crafter.core.ids import EntityId
from crafter.core.schemas import ContractBody, IdentifiedResource, ResponseBody, WireTime, says
from crafter.core.time import utc_now

_VISIBLE = 8
_NO_AGENT = "Agent ID is required"


class SessionCreate(ContractBody):
    """A new session with an agent."""

    agent_id: Annotated[
        EntityId,
        Field(alias="agentId", description="The agent that may be talked to."),
        says(_NO_AGENT),
    ]
    max_interactions: Annotated[
        int,
        Field(ge=1, le=1_000, alias="maxInteractions", description="How often the agent may be talked to."),
        says("Max interactions must be between 1 and 1000"),
    ] = 100
    expires_in: Annotated[
        int,
        Field(ge=60, le=86_400, alias="expiresIn", description="Seconds until the session ends."),
        says("Expires in must be between 60 and 86400 seconds (1 minute to 24 hours)"),
    ] = 3_600

    @model_validator(mode="before")
    @classmethod
    def _names_an_agent(cls, data: Any) -> Any:
        """Raises ValidationFailed: a field that is not there has no validator to give it the contract's sentence."""
        if isinstance(data, dict) and data.get("agentId") is None and data.get("agent_id") is None:
            raise ValidationFailed([FieldError("agentId", _NO_AGENT)])
        return data


class SessionCreated(ResponseBody):
    """A new session, its token in clear for the only time."""

    session_token: str
    session_id: EntityId
    agent_id: EntityId
    expires_at: WireTime
    max_interactions: int
    expires_in: int


class SessionAgent(ResponseBody):
    """The agent of a session."""

    stored_id: EntityId = Field(alias="_id")
    name: str
    type: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """The same as ``_id``."""
        return self.stored_id


class SessionRead(IdentifiedResource):
    """A session, without what makes it work; ``agent`` is null where it was deleted."""

    user_api_key: EntityId
    agent: SessionAgent | None
    expires_at: WireTime
    client_ip: OmitNone[str] = None
    client_domain: OmitNone[str] = None
    max_interactions: int
    interactions_used: int
    last_used_at: OmitNone[WireTime] = None
    is_revoked: bool

    @computed_field  # type: ignore[prop-decorator]
    @property
    def remaining_interactions(self) -> int:
        """How often the agent may still be talked to."""
        return max(self.max_interactions - self.interactions_used, 0)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_expired(self) -> bool:
        """Whether the session's time is over."""
        return self.expires_at <= utc_now()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def masked_token(self) -> str:
        """Something to tell sessions apart by; it is made of the id, the token itself is not known any more."""
        return f"st_{'*' * 32}{self.stored_id[-_VISIBLE:]}"


class SessionDetails(SessionRead):
    """One session, and whether its token works."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_valid(self) -> bool:
        """Whether it was neither revoked nor has expired."""
        return not self.is_revoked and not self.is_expired


class RevokedCount(ResponseBody):
    """How many sessions were revoked."""

    revoked_count: int


class DeletedCount(ResponseBody):
    """How many sessions were deleted."""

    deleted_count: int
