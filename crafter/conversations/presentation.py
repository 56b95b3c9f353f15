"""How conversations and messages are answered."""

from collections.abc import Iterable, Mapping
from typing import Any

from crafter.conversations.documents import Conversation
from crafter.conversations.messages import MessagePage, Placed
from crafter.conversations.privacy import unseal
from crafter.conversations.schemas import (
    ConversationRead,
    ConversationSummaryRead,
    MessageList,
    MessagePageInfo,
    MessageRead,
)
from crafter.core.secrets import Keyring


def show_summary(raw: Mapping[str, Any]) -> ConversationSummaryRead:
    """A stored conversation in a list."""
    conversation = Conversation.from_stored(raw)
    return ConversationSummaryRead.from_stored(_fields(conversation, raw["message_count"]))


def show(conversation: Conversation, page: MessagePage, keyring: Keyring) -> ConversationRead:
    """A conversation with some of its messages."""
    return ConversationRead.from_stored(
        {
            **_fields(conversation, page.total),
            "messages": show_messages(conversation, page.rows, keyring),
            "messages_truncated": len(page.rows) < page.total,
        }
    )


def show_messages(conversation: Conversation, rows: Iterable[Placed], keyring: Keyring) -> list[MessageRead]:
    """Messages in order, readable."""
    placed = list(rows)
    messages = unseal(conversation, (row.message for row in placed), keyring)
    return [
        MessageRead.from_stored(
            {
                **message.model_dump(by_alias=True, exclude={"id", "thinking_process"}),
                "_id": str(message.id),
                "seq": row.seq,
                "thinking_process": [
                    {**step.model_dump(exclude={"id"}), "_id": str(step.id)}
                    for step in message.thinking_process
                ],
            }
        )
        for row, message in zip(placed, messages, strict=True)
    ]


def show_message_page(conversation: Conversation, page: MessagePage, keyring: Keyring) -> MessageList:
    """A page of messages, and how to get at those around it."""
    first = page.rows[0].seq if page.rows else None
    last = page.rows[-1].seq if page.rows else None
    return MessageList(
        data=show_messages(conversation, page.rows, keyring),
        page=MessagePageInfo(
            before=first if first is not None and first > 1 else None,
            after=last if last is not None and last < page.total else None,
            has_more=first is not None and (first > 1 or (last or 0) < page.total),
            total=page.total,
        ),
    )


def _fields(conversation: Conversation, message_count: int) -> dict[str, Any]:
    stored = conversation.model_dump(by_alias=True, exclude={"messages", "moved"})
    return {
        **stored,
        "createdAt": conversation.created_at,
        "updatedAt": conversation.updated_at,
        "message_count": message_count,
    }
