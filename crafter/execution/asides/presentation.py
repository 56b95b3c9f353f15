"""How summaries are answered."""

from crafter.conversations.documents import Conversation
from crafter.conversations.schemas import SummaryRead
from crafter.execution.asides.schemas import Summarized, SummaryAnswer, SummaryStatus
from crafter.execution.asides.summaries import is_due
from crafter.execution.summary import summary_json
from crafter.llm.base import tokens_in


def show_summary(conversation: Conversation, total: int) -> SummaryAnswer:
    """The summary, how up to date it is, and how many tokens it saves in each call of the model."""
    status = _status(conversation, total)
    status.summary_version = conversation.metadata.summary_version
    status.messages_since_last_summary = total - (conversation.metadata.last_summary_index + 1)
    told = tokens_in(summary_json(conversation) or "")
    status.estimated_token_savings = max(conversation.asides.summarized_tokens - told, 0)
    return SummaryAnswer(summary=_summary(conversation), summary_status=status)


def show_unneeded(conversation: Conversation, total: int) -> Summarized:
    """Nothing was summarised."""
    return Summarized(
        message="Conversation does not need summarization", summary_status=_status(conversation, total)
    )


def show_summarized(conversation: Conversation, total: int) -> Summarized:
    """A summary was made."""
    status = _status(conversation, total)
    status.summary_version = conversation.metadata.summary_version
    return Summarized(
        message="Conversation summarized successfully",
        summary=_summary(conversation),
        summary_status=status,
    )


def _summary(conversation: Conversation) -> SummaryRead:
    return SummaryRead.from_stored(conversation.conversation_summary.model_dump())


def _status(conversation: Conversation, total: int) -> SummaryStatus:
    last = conversation.metadata.last_summary_index
    return SummaryStatus(
        has_summary=last >= 0,
        messages_count=total,
        last_summary_index=last,
        requires_summarization=is_due(total, last),
    )
