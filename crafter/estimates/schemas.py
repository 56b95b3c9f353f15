"""Estimates on the wire: bounds, and what they were worked out by."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.money import Dollars
from crafter.core.schemas import Instant, RequestBody, ResponseBody, WireTime


class MessageInput(RequestBody):
    """One message that would be sent."""

    role: Literal["system", "user", "assistant"] = "user"
    content: Annotated[str, Field(max_length=200_000)]


class EstimateInput(RequestBody):
    """What would be asked: of a model, with a key of the project, or of a provider by its name."""

    model: Annotated[str, Field(min_length=1, max_length=200, examples=["gpt-4o-mini"])]
    api_key: EntityId | None = None
    provider: Annotated[str, Field(min_length=1, max_length=100, examples=["openai"])] | None = None
    messages: Annotated[list[MessageInput], Field(min_length=1, max_length=200)] | None = None
    prompt: Annotated[str, Field(max_length=200_000, examples=["Say hello."])] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="Of the answer; without it, as many as the model can write."
    )
    as_of: Instant | None = Field(None, description="By the price at this time; without it, by today's.")

    @model_validator(mode="after")
    def _says_what_is_asked_of_whom(self) -> Self:
        if (self.api_key is None) == (self.provider is None):
            raise ValueError("Send either api_key or provider")
        if (self.messages is None) == (self.prompt is None):
            raise ValueError("Send either messages or prompt")
        return self


class TokensRead(ResponseBody):
    """Tokens that would be sent: about so many, and nineteen times out of twenty between the bounds."""

    count: int
    low: int
    high: int
    method: str


class OutputRead(ResponseBody):
    """Tokens of the answer."""

    low: int
    high: int


class CostRead(ResponseBody):
    """US dollars: with the fewest tokens and no answer, and with the most and the longest answer."""

    low: Dollars
    high: Dollars


class EstimateRead(ResponseBody):
    """What the call would take; ``cost`` is null where nobody knows the price at that time."""

    provider: str
    model: str
    tokens: TokensRead
    output_tokens: OutputRead
    cost: CostRead | None
    currency: Literal["USD"] = "USD"
    price_state: Literal["known", "unknown"]
    price_ref: OmitNone[str] = None
    priced_at: WireTime
