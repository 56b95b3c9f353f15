"""Aggregations over the history of prompts."""

from datetime import datetime

from crafter.core.figures import Stage, count_if, day_of, sum_of, within


def summed_up(since: datetime, until: datetime) -> list[Stage]:
    """The figures of a time by day."""
    by_status = {status: count_if({"$eq": ["$status", status]}) for status in ("success", "error", "cached")}
    figures = {"tokens": sum_of("usage.total_tokens"), "cost": sum_of("usage.cost"), **by_status}
    return [
        {"$match": {"createdAt": within(since, until)}},
        {"$group": {"_id": day_of("createdAt"), "calls": {"$sum": 1}, **figures}},
        {"$sort": {"_id": 1}},
    ]
