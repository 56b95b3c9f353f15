"""The update that counts a run of a tool, as a pipeline: it decides from the document that it changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

Stage = Mapping[str, Any]

_CALLS = {"$ifNull": ["$usage_stats.total_calls", 0]}
_MEAN = {"$ifNull": ["$usage_stats.avg_execution_time_ms", 0]}
_TOTAL = {"$ifNull": ["$usage_total_ms", {"$multiply": [_MEAN, _CALLS]}]}
"""The sum of all durations; where only the Node server has counted, it follows from its mean."""


def usage_counted(outcome: str, milliseconds: int, now: datetime) -> list[Stage]:
    """One more call, with its outcome (``success_calls`` or ``failed_calls``) and its duration."""
    counter = f"usage_stats.{outcome}"
    return [
        {
            "$set": {
                "usage_total_ms": {"$add": [_TOTAL, milliseconds]},
                "usage_stats.total_calls": {"$add": [_CALLS, 1]},
                counter: {"$add": [{"$ifNull": [f"${counter}", 0]}, 1]},
                "last_used_at": now,
            }
        },
        {
            "$set": {
                "usage_stats.avg_execution_time_ms": {
                    "$divide": ["$usage_total_ms", "$usage_stats.total_calls"]
                }
            }
        },
    ]
