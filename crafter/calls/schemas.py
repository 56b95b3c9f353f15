"""Calls of models on the wire; money is text, so that no digit is lost on the way."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, computed_field

from crafter.calls.documents import CallKind, CallSource, CallTokens, ErrorType, Outcome
from crafter.calls.guidance import GUIDANCE
from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.money import Dollars
from crafter.core.schemas import Resource, ResponseBody

Text = Annotated[str, Field(max_length=200)]


class CallQuery(BaseModel):
    """Which calls to list; the newest first."""

    kind: CallKind | None = None
    model: Text | None = None
    credential: Text | None = None
    outcome: Outcome | None = None
    agent: Text | None = None
    source: Text | None = Field(None, description="Id of a conversation, of a run, of an execution.")
    since: datetime | None = Field(None, description="Calls from then on.")
    until: datetime | None = Field(None, description="Calls before then.")


class CallErrorRead(ResponseBody):
    """Why there is no (whole) answer; ``retry_after`` is in seconds."""

    type: ErrorType
    code: str
    retryable: bool = False
    upstream_status: OmitNone[int] = None
    retry_after: OmitNone[float] = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def guidance(self) -> str:
        """What to do about it."""
        return GUIDANCE[self.type]


class CallRead(Resource):
    """One attempt to have a model answer; ``cost`` is in US dollars, and null where nobody knows the price."""

    kind: CallKind
    provider: str
    model: str
    credential: EntityId
    agent: OmitNone[EntityId] = None
    prompt: OmitNone[EntityId] = None
    prompt_version: OmitNone[int] = None
    source: OmitNone[CallSource] = None
    user: OmitNone[EntityId] = None
    user_api_key: OmitNone[EntityId] = None
    streamed: bool = False
    attempt: int = 1
    outcome: Outcome
    error: OmitNone[CallErrorRead] = None
    tokens: CallTokens = Field(default_factory=CallTokens)
    usage_estimated: bool = False
    cost: Dollars | None = None
    currency: Literal["USD"] = "USD"
    price_state: str = "unknown"
    price_ref: OmitNone[str] = None
    latency_ms: OmitNone[int] = None
    ttft_ms: OmitNone[int] = None
    finish_reason: OmitNone[str] = None
    dropped_parameters: OmitNone[list[str]] = None


class CallPage(ResponseBody):
    """A page of calls."""

    data: list[CallRead]
    page: dict[str, object]
