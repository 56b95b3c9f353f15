"""Usage on the wire; money is text, so that no digit is lost on the way."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, computed_field, model_validator

from crafter.calls.documents import CallKind, Outcome
from crafter.core.money import Dollars
from crafter.core.schemas import ResponseBody, WireTime
from crafter.core.time import as_utc, utc_now
from crafter.usage.periods import Interval, Period
from crafter.usage.tallies import DIMENSIONS, Dimension

MOST_DIMENSIONS = 3
MOST_DAYS = {"hour": 31, "day": 400, "month": 3_660, "total": 3_660}

_SPAN = timedelta(days=30)
_YEAR = 1970  # before that, and near the end of the calendar, there are no intervals to count in


def _on_the_calendar(moment: datetime) -> datetime:
    if not _YEAR <= moment.year <= 9_990:
        raise ValueError(f"must be a time between the years {_YEAR} and 9990")
    return moment


def _listed(value: object) -> object:
    """``a,b`` and the same parameter twice are the same list."""
    if not isinstance(value, list):
        return value
    return [part.strip() for text in value for part in str(text).split(",") if part.strip()]


Time = Annotated[datetime, AfterValidator(as_utc), AfterValidator(_on_the_calendar)]
Filter = Annotated[str | None, Field(max_length=200)]


class UsageQuery(BaseModel):
    """Which usage is asked for, and how it is to be told apart."""

    since: Time | None = Field(
        None, alias="from", description="From then on; 30 days back where it is left out."
    )
    until: Time | None = Field(None, alias="to", description="Before then; now where it is left out.")
    interval: Interval = Field("day", description="One row for each; empty ones are there too, with zeros.")
    group_by: Annotated[list[Dimension], BeforeValidator(_listed), Field(max_length=MOST_DIMENSIONS)] = Field(
        default_factory=list, description=f"At most {MOST_DIMENSIONS}, separated by commas."
    )
    project: Filter = None
    kind: CallKind | None = None
    provider: Filter = None
    model: Filter = None
    credential: Filter = None
    agent: Filter = None
    outcome: Outcome | None = None

    @model_validator(mode="after")
    def _has_a_period(self) -> Self:
        start, end = self._range()
        if start >= end:
            raise ValueError("from must be before to")
        most = MOST_DAYS[self.interval]
        if end - start > timedelta(days=most):
            raise ValueError(f"at most {most} days can be asked for by {self.interval}")
        if len(set(self.group_by)) < len(self.group_by):
            raise ValueError("group_by names something twice")
        return self

    @property
    def period(self) -> Period:
        """The whole intervals that are asked for."""
        return Period.around(*self._range(), self.interval)

    def filters(self) -> dict[str, str]:
        """What the calls have to be like, by dimension."""
        return {name: value for name in DIMENSIONS if (value := getattr(self, name)) is not None}

    def _range(self) -> tuple[datetime, datetime]:
        end = self.until or utc_now()
        return self.since or end - _SPAN, end


class Tokens(ResponseBody):
    """What was read and written; ``cached`` is the part of the input that the vendors had seen before."""

    input: int
    output: int
    cached: int

    @computed_field
    def total(self) -> int:
        """Both together."""
        return self.input + self.output


class Durations(ResponseBody):
    """Milliseconds; null where nothing was timed. Percentiles are within 5 % of the exact ones."""

    mean: int | None = None
    p50: int | None = None
    p95: int | None = None
    p99: int | None = None


class UsageFigures(ResponseBody):
    """What some calls come to.

    ``cost`` is that of the calls whose price is known; ``unpriced_calls`` have none in it. ``success_rate`` leaves out
    the calls that were hung up on and those of which nobody knows what became; null of nothing. ``latency`` and
    ``time_to_first_token`` have no percentiles by the hour.
    """

    calls: int
    succeeded: int
    failed: int
    cancelled: int
    unknown: int
    success_rate: float | None
    tokens: Tokens
    cost: Dollars = Decimal(0)
    currency: Literal["USD"] = "USD"
    unpriced_calls: int
    latency: Durations
    time_to_first_token: Durations


class _About(ResponseBody):
    """What figures are about: what is said first of them."""

    start: WireTime
    dimensions: dict[str, str | None]


class UsageRow(UsageFigures, _About):
    """The calls of one interval with the same dimensions, by name, of those that were asked for."""


class Usage(ResponseBody):
    """Usage by interval and dimensions, the earliest first, and all of it together."""

    start: WireTime = Field(serialization_alias="from")
    end: WireTime = Field(serialization_alias="to")
    interval: Interval
    group_by: list[Dimension]
    rows: list[UsageRow]
    totals: UsageFigures
