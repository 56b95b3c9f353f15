"""Usage, as it is stored: the calls of a day that have the same dimensions, summed up."""

from typing import ClassVar

from pydantic import Field
from pymongo import ASCENDING, IndexModel

from crafter.calls.documents import CallKind, Outcome
from crafter.core.documents import Moment, OmitNone, ProjectDocument
from crafter.core.ids import EntityId
from crafter.core.queries import QueryShape

Counters = dict[str, int]


class UsageRollup(ProjectDocument):
    """One day (UTC) of calls with the same dimensions; ``_id`` is derived from the project, the day and them.

    ``total`` has the figures of the day by their names (:mod:`crafter.usage.tallies`), ``hours`` those of each hour by
    its number. ``latency`` and ``ttft`` are histograms, by bucket, of milliseconds to the end of the answer and to its
    first word (:mod:`crafter.usage.histograms`). A call is in it once: it is marked in the same transaction.
    """

    day: Moment
    kind: CallKind
    provider: str
    model: str
    credential: EntityId
    agent: OmitNone[EntityId] = None
    outcome: Outcome
    total: Counters = Field(default_factory=dict)
    hours: dict[str, Counters] = Field(default_factory=dict)
    latency: Counters = Field(default_factory=dict)
    ttft: Counters = Field(default_factory=dict)

    query_shapes: ClassVar = (
        QueryShape(
            "usage of an organization",
            {
                "organization": "o",
                "day": {"$gte": "2026-01-01T00:00:00Z", "$lt": "2026-02-01T00:00:00Z"},
            },
        ),
        QueryShape("one sum", {"_id": "u", "organization": "o", "project": "p"}),
    )

    class Settings:
        name = "usage_rollups"
        indexes = [IndexModel([("organization", ASCENDING), ("day", ASCENDING)], name="organization_1_day_1")]
