"""Puts tallies together by interval and dimensions."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from crafter.usage.periods import Period
from crafter.usage.tallies import Tally


class Key(NamedTuple):
    """The beginning of an interval, and the values of the dimensions that were asked for, in their order."""

    start: datetime
    values: tuple[str | None, ...]


@dataclass(slots=True)
class Group:
    """Figures, those of each outcome apart, and histograms of milliseconds."""

    figures: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    latency: Counter[int] = field(default_factory=Counter)
    ttft: Counter[int] = field(default_factory=Counter)

    def add(self, figures: Mapping[str, int], outcome: str | None) -> None:
        """Add what calls of one outcome come to."""
        self.figures.update(figures)
        self.outcomes[outcome or "unknown"] += figures.get("calls", 0)

    def merge(self, other: "Group") -> None:
        """Add all of another one."""
        self.figures.update(other.figures)
        self.outcomes.update(other.outcomes)
        self.latency.update(other.latency)
        self.ttft.update(other.ttft)


def group(tallies: Iterable[Tally], period: Period, dimensions: Sequence[str]) -> dict[Key, Group]:
    """The figures by interval and dimensions; intervals without any are left out."""
    groups: dict[Key, Group] = {}
    for tally in tallies:
        values = tuple(tally.dimensions[name] for name in dimensions)
        outcome = tally.dimensions["outcome"]
        for moment, figures in _figures(tally, period):
            found = groups.setdefault(Key(period.interval_of(moment), values), Group())
            found.add(figures, outcome)
        if period.interval != "hour":
            found = groups.setdefault(Key(period.interval_of(tally.day), values), Group())
            found.latency.update(tally.latency)
            found.ttft.update(tally.ttft)
    return groups


def _figures(tally: Tally, period: Period) -> Iterator[tuple[datetime, Mapping[str, int]]]:
    if period.interval != "hour":
        yield tally.day, tally.total
        return
    for hour, figures in tally.hours.items():
        moment = tally.day + timedelta(hours=hour)
        if period.start <= moment < period.end:
            yield moment, figures
