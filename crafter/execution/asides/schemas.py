"""Summaries on the wire."""

from crafter.conversations.schemas import SummaryRead
from crafter.core.documents import OmitNone
from crafter.core.schemas import ResponseBody


class SummaryStatus(ResponseBody):
    """How much of a conversation is summarised; ``last_summary_index`` counts from 0, and is -1 for nothing."""

    has_summary: bool
    messages_count: int
    messages_since_last_summary: OmitNone[int] = None
    last_summary_index: int
    summary_version: OmitNone[int] = None
    requires_summarization: bool
    estimated_token_savings: OmitNone[int] = None


class SummaryAnswer(ResponseBody):
    """The summary of a conversation; empty where ``has_summary`` is false."""

    summary: SummaryRead
    summary_status: SummaryStatus


class Summarized(ResponseBody):
    """What became of the wish for a summary."""

    message: str
    summary: OmitNone[SummaryRead] = None
    summary_status: SummaryStatus
