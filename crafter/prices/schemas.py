"""Prices on the wire; amounts are US dollars for one token or one request, as text."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from crafter.core.ids import EntityId
from crafter.core.money import Dollars
from crafter.core.rows import RowStatus
from crafter.core.schemas import RequestBody, ResponseBody, WireTime
from crafter.core.time import as_utc, utc_now
from crafter.prices.documents import Tier, Unit

MAX_ROWS = 500

Amount = Annotated[
    Decimal,
    Field(ge=0, le=1_000, max_digits=30, decimal_places=24, examples=["0.000003"]),
]
"""US dollars for one token or one request."""

ModelName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
ProviderName = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=200)
]
Source = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


def _to_the_millisecond(moment: datetime) -> datetime:
    """As MongoDB keeps it, so that the same moment is the same price."""
    moment = as_utc(moment)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


Beginning = Annotated[datetime, AfterValidator(_to_the_millisecond)]


class PriceCreate(RequestBody):
    """A price of a model from a time on (now, where none is given)."""

    unit: Unit
    tier: Tier = "standard"
    amount: Amount
    effective_from: Beginning = Field(default_factory=utc_now, examples=["2026-01-01T00:00:00Z"])
    source: Source = Field("", examples=["https://example.com/pricing"])


class PriceRow(PriceCreate):
    """A price of any model; ``model`` is what the provider calls it."""

    provider: ProviderName
    model: ModelName
    effective_from: Beginning = Field(examples=["2026-01-01T00:00:00Z"])
    currency: Literal["USD"] = "USD"


class PriceImport(RequestBody):
    """Rows of prices, each ``{provider, model, unit, tier?, amount, effective_from, source?}``."""

    rows: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=MAX_ROWS,
        examples=[
            [
                {
                    "provider": "anthropic",
                    "model": "claude-3.7-sonnet",
                    "unit": "input",
                    "amount": "0.000003",
                    "effective_from": "2025-02-24T00:00:00Z",
                }
            ]
        ],
    )
    dry_run: bool = False


class PriceRead(ResponseBody):
    """A price. It holds until ``effective_to``, or, where that is null, until there is a later one."""

    id: EntityId
    scope: Literal["system", "organization"]
    provider: str
    model: str
    unit: Unit
    tier: Tier
    amount: Dollars
    currency: Literal["USD"] = "USD"
    effective_from: WireTime
    effective_to: WireTime | None
    source: str


class PriceList(ResponseBody):
    """All prices of a model that were ever stored, the oldest first."""

    data: list[PriceRead]


class RowRead(ResponseBody):
    """What became of a row, or would; ``number`` counts from 1."""

    number: int
    status: RowStatus
    problems: list[str]


class Imported(ResponseBody):
    """What became of the rows; with ``dry_run`` nothing was stored."""

    dry_run: bool
    counts: dict[str, int]
    rows: list[RowRead]
