"""Figures over stored documents: expressions that add them up by day, and what comes of them as numbers."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bson import Decimal128

Stage = dict[str, Any]


def within(since: datetime, until: datetime) -> dict[str, datetime]:
    """The condition on a time: from ``since`` on, before ``until``."""
    return {"$gte": since, "$lt": until}


def day_of(field: str) -> dict[str, Any]:
    """The day of a time in UTC, as its first moment."""
    return {"$dateTrunc": {"date": f"${field}", "unit": "day"}}


def sum_of(field: str) -> dict[str, Any]:
    """An accumulator of what is stored there, as far as it is a number."""
    return {"$sum": f"${field}"}


def count_if(condition: Mapping[str, Any]) -> dict[str, Any]:
    """An accumulator that counts the documents of which the expression holds."""
    return {"$sum": {"$cond": [condition, 1, 0]}}


def number(value: Any) -> int | float:
    """A stored sum as a number; 0 where it is none, since somebody may have stored infinity."""
    if isinstance(value, Decimal128):
        value = float(value.to_decimal())
    return value if isinstance(value, int | float) and math.isfinite(value) else 0


def total(rows: Iterable[Mapping[str, Any]], name: str) -> int | float:
    """The sum of one figure over several rows."""
    return number(sum(number(row.get(name)) for row in rows))
