"""From calls to sums: the one place that says what a call adds."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self, TypeVar, get_args

from crafter.calls.documents import Call
from crafter.core.ids import derived_id
from crafter.core.windows import day_of
from crafter.usage.histograms import bucket_of

Dimension = Literal["project", "kind", "provider", "model", "credential", "agent", "outcome"]
"""What calls are told apart by."""

DIMENSIONS: tuple[str, ...] = get_args(Dimension)

_NUMBERS = frozenset(str(number) for number in range(500))

T = TypeVar("T")


@dataclass(slots=True)
class Tally:
    """What the calls of one day with the same dimensions come to."""

    day: datetime
    dimensions: Mapping[str, str | None]
    total: Counter[str] = field(default_factory=Counter)
    hours: dict[int, Counter[str]] = field(default_factory=dict)
    latency: Counter[int] = field(default_factory=Counter)
    ttft: Counter[int] = field(default_factory=Counter)

    @classmethod
    def for_calls_like(cls, call: Call) -> Self:
        """An empty one."""
        dimensions = {name: getattr(call, name) for name in DIMENSIONS}
        return cls(day_of(call.created_at), dimensions)

    @classmethod
    def from_stored(cls, raw: Mapping[str, Any]) -> Self | None:
        """A rollup as it was read; what is no count in it is left out. None where even its day is none."""
        if not isinstance(raw.get("day"), datetime):
            return None
        dimensions = {name: value if isinstance(value := raw.get(name), str) else None for name in DIMENSIONS}
        hours = raw.get("hours")
        return cls(
            raw["day"],
            dimensions,
            _counts(raw.get("total")),
            _by_number(
                {hour: _counts(figures) for hour, figures in hours.items()} if isinstance(hours, dict) else {}
            ),
            Counter(_by_number(_counts(raw.get("latency")))),
            Counter(_by_number(_counts(raw.get("ttft")))),
        )

    def id_in(self, organization: str) -> str:
        """The id of the rollup that it belongs into."""
        values = (self.dimensions[name] or "" for name in DIMENSIONS)
        return derived_id("usage", organization, self.day.isoformat(), *values)

    def add(self, call: Call) -> None:
        """Count one more call."""
        figures = figures_of(call)
        self.total.update(figures)
        self.hours.setdefault(call.created_at.hour, Counter()).update(figures)
        if call.latency_ms is not None:
            self.latency[bucket_of(call.latency_ms)] += 1
        if call.ttft_ms is not None:
            self.ttft[bucket_of(call.ttft_ms)] += 1

    def increments(self) -> dict[str, int]:
        """What it adds to a stored rollup, by the path of the field."""
        added = {f"total.{name}": amount for name, amount in self.total.items()}
        for hour, figures in self.hours.items():
            added |= {f"hours.{hour}.{name}": amount for name, amount in figures.items()}
        added |= {f"latency.{bucket}": count for bucket, count in self.latency.items()}
        return added | {f"ttft.{bucket}": count for bucket, count in self.ttft.items()}


def figures_of(call: Call) -> Counter[str]:
    """What one call adds to each figure; what is nothing is left out.

    ``unpriced`` calls succeeded, and nobody knew their price; ``timed`` ones have a latency.
    """
    figures = {
        "calls": 1,
        "input": call.tokens.input,
        "output": call.tokens.output,
        "cached": call.tokens.cached,
        "cost_nano": call.cost_nano,
        "unpriced": int(call.outcome == "success" and call.price_state == "unknown"),
        "timed": int(call.latency_ms is not None),
        "latency_ms": call.latency_ms or 0,
    }
    return Counter({name: amount for name, amount in figures.items() if amount})


def tally(calls: Iterable[Call]) -> list[Tally]:
    """What the calls of one organization come to, by day and dimensions."""
    tallies: dict[tuple[Any, ...], Tally] = {}
    for call in calls:
        key = (day_of(call.created_at), *(getattr(call, name) for name in DIMENSIONS))
        if key not in tallies:
            tallies[key] = Tally.for_calls_like(call)
        tallies[key].add(call)
    return list(tallies.values())


def _counts(stored: Any) -> Counter[str]:
    if not isinstance(stored, dict):
        return Counter()
    return Counter(
        {name: int(count) for name, count in stored.items() if isinstance(count, int) and count is not True}
    )


def _by_number(named: Mapping[str, T]) -> dict[int, T]:
    """What MongoDB keeps under the text of a number, by the number: of an hour, of a bucket."""
    return {int(name): each for name, each in named.items() if name in _NUMBERS}
