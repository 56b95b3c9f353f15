"""What is noted in a conversation for what runs beside its turns, and how it is found again."""

from datetime import UTC, datetime

from pymongo import ASCENDING, IndexModel

from crafter.core.documents import Moment, OmitNone, Stored
from crafter.core.queries import QueryShape


class AsideNotes(Stored):
    """``quiet_due_at`` is when the next hook for inactivity is due, counted from ``quiet_since``; absent: none is."""

    title_given: bool = False
    moved_user_messages: int = 0
    summarized_tokens: int = 0
    quiet_since: OmitNone[Moment] = None
    quiet_due_at: OmitNone[Moment] = None


QUIET_SHAPE = QueryShape(
    "quiet for long enough, anywhere",
    {"asides.quiet_due_at": {"$lte": datetime(2026, 1, 1, tzinfo=UTC)}},
    (("asides.quiet_due_at", 1),),
    everywhere=True,
)
QUIET_INDEX = IndexModel([("asides.quiet_due_at", ASCENDING)], name="conversations_quiet", sparse=True)
