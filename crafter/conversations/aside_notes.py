"""What is noted in a conversation for what runs beside its turns."""

from crafter.core.documents import Moment, OmitNone, Stored


class AsideNotes(Stored):
    """``quiet_due_at`` is when the next hook for inactivity is due, counted from ``quiet_since``; absent: none is."""

    title_given: bool = False
    moved_user_messages: int = 0
    summarized_tokens: int = 0
    quiet_since: OmitNone[Moment] = None
    quiet_due_at: OmitNone[Moment] = None
