"""Aggregations over the runs of task agents."""

from datetime import datetime
from typing import Any

from crafter.core.figures import Stage, count_if, day_of, sum_of, within

_FIGURES: dict[str, Any] = {
    "runs": {"$sum": 1},
    "tokens": sum_of("usage.total_tokens"),
    "cost": sum_of("usage.cost"),
    "tool_calls": sum_of("usage.tool_calls_count"),
    "milliseconds": sum_of("execution_time_ms"),
    "timed": count_if({"$isNumber": "$execution_time_ms"}),
    **{status: count_if({"$eq": ["$status", status]}) for status in ("completed", "failed", "pending")},
}


def summed_up(since: datetime, until: datetime, most: int) -> list[Stage]:
    """The figures of a time by day, and those of the ``most`` agents that ran most often.

    The runs are read once: the facets work on one row for each day and agent.
    """
    again = {name: sum_of(name) for name in _FIGURES}
    return [
        {"$match": {"createdAt": within(since, until)}},
        {"$group": {"_id": {"day": day_of("createdAt"), "agent": "$agent"}, **_FIGURES}},
        {
            "$facet": {
                "days": [{"$group": {"_id": "$_id.day", **again}}, {"$sort": {"_id": 1}}],
                "agents": [
                    {"$group": {"_id": "$_id.agent", **again}},
                    {"$sort": {"runs": -1, "_id": 1}},
                    {"$limit": most},
                ],
            }
        },
    ]
