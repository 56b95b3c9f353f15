"""From groups of figures to what is answered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from crafter.core.money import of_nano
from crafter.usage.grouping import Group, Key
from crafter.usage.histograms import percentile
from crafter.usage.periods import Period
from crafter.usage.schemas import Durations, Tokens, Usage, UsageFigures, UsageQuery, UsageRow


def show(query: UsageQuery, period: Period, starts: Sequence[datetime], groups: Mapping[Key, Group]) -> Usage:
    """Every interval with every combination of dimensions that occurs, and the totals."""
    combinations = sorted(
        {key.values for key in groups}, key=lambda values: [value or "" for value in values]
    )
    if not query.group_by:
        combinations = [()]
    totals = Group()
    for each in groups.values():
        totals.merge(each)
    rows = [
        UsageRow(
            start=start,
            dimensions=dict(zip(query.group_by, values, strict=True)),
            **show_figures(groups.get(Key(start, values), Group())).model_dump(),
        )
        for start in starts
        for values in combinations
    ]
    return Usage(
        start=period.start,
        end=period.end,
        interval=period.interval,
        group_by=query.group_by,
        rows=rows,
        totals=show_figures(totals),
    )


def show_figures(group: Group) -> UsageFigures:
    """One group."""
    figures, outcomes = group.figures, group.outcomes
    answered = outcomes["success"] + outcomes["error"]
    mean = round(figures["latency_ms"] / figures["timed"]) if figures["timed"] else None
    return UsageFigures(
        calls=figures["calls"],
        succeeded=outcomes["success"],
        failed=outcomes["error"],
        cancelled=outcomes["cancelled"],
        unknown=outcomes["unknown"],
        success_rate=outcomes["success"] / answered if answered else None,
        tokens=Tokens(input=figures["input"], output=figures["output"], cached=figures["cached"]),
        cost=of_nano(figures["cost_nano"]),
        unpriced_calls=figures["unpriced"],
        latency=_durations(group.latency, mean),
        time_to_first_token=_durations(group.ttft, None),
    )


def _durations(histogram: Counter[int], mean: int | None) -> Durations:
    p50, p95, p99 = (percentile(histogram, share) for share in (0.5, 0.95, 0.99))
    return Durations(mean=mean, p50=p50, p95=p95, p99=p99)
