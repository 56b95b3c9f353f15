"""What is new in a conversation since a moment: answered from its end, however long the conversation is."""

from datetime import datetime, timedelta

from crafter.conversations import messages as message_store
from crafter.conversations import presentation
from crafter.conversations.documents import Conversation
from crafter.conversations.handling import WAITING, WITH_A_HUMAN
from crafter.conversations.messages import Placed
from crafter.core.secrets import Keyring
from crafter.core.time import as_utc, utc_now
from crafter.handoffs.presentation import messaging_window
from crafter.handoffs.schemas import (
    HandlerSummary,
    LatestMessages,
    MirroredMessages,
    OperatorName,
    PolledMessage,
)
from crafter.users import service as user_service

MOST_MESSAGES = 1_000
"""In one answer: the widget asks for a whole day when it comes back."""

_FIRST_LOOK = timedelta(seconds=30)
_STEP = 50


async def latest_messages(
    conversation: Conversation, since: str | None, keyring: Keyring, *, include_system: bool
) -> LatestMessages:
    """The messages strictly later than ``since``, which is 30 seconds ago if nothing was asked for.

    A moment that cannot be read has no later messages. Raises ConversationNotFound.
    """
    polled_at = utc_now()
    after = polled_at - _FIRST_LOOK if since is None else _moment(since)
    rows = [] if after is None else await _later(conversation, after)
    shown = [
        PolledMessage.model_construct(**dict(message))
        for message in presentation.show_messages(conversation, rows, keyring)
        if include_system or message.role != "system"
    ]
    for message in shown:
        if message.role == "human_operator" and message.handler_info and message.handler_info.name:
            message.operator_info = OperatorName(name=message.handler_info.name)
    active = conversation.status in (WITH_A_HUMAN, WAITING)
    return LatestMessages(
        conversation_id=conversation.id,
        new_messages=shown,
        current_handler=conversation.current_handler,
        conversation_status=conversation.status,
        messaging_window=messaging_window(conversation),
        handoff_active=active,
        handler_info=_handler(conversation) if active else None,
        operator_info=await _operator(conversation),
        last_poll=polled_at,
        message_count=len(shown),
        data=MirroredMessages(messages=[_mirrored(message) for message in shown]),
    )


async def _later(conversation: Conversation, after: datetime) -> list[Placed]:
    """Read backwards from the end until something is not later; messages are stored as good as in order of time."""
    page = await message_store.read_newest(conversation.scope, conversation.id, _STEP)
    rows = page.rows
    while rows and rows[0].seq > 1 and len(rows) < MOST_MESSAGES and rows[0].message.timestamp > after:
        page = await message_store.read_page(
            conversation.scope, conversation.id, before=rows[0].seq, limit=_STEP * 4
        )
        if not page.rows:  # what should be there is lost: nobody would find more
            break
        rows = page.rows + rows
    later = [row for row in rows if row.message.timestamp > after]
    return sorted(later, key=lambda row: row.message.timestamp)


def _moment(since: str) -> datetime | None:
    try:
        return as_utc(datetime.fromisoformat(since))
    except ValueError:
        return None


def _handler(conversation: Conversation) -> HandlerSummary:
    info = conversation.handoff_info
    return HandlerSummary(
        assigned_human=info.assigned_human,
        assigned_external_operator=info.assigned_external_operator or {},
        handed_off_at=info.handed_off_at,
        reason=info.reason,
        urgency=info.urgency,
    )


async def _operator(conversation: Conversation) -> OperatorName | None:
    """What the operator who has the conversation is called."""
    info = conversation.handoff_info
    if conversation.status != WITH_A_HUMAN:
        return None
    if info.assigned_external_operator:
        return OperatorName(name=str(info.assigned_external_operator.get("name", "")))
    people = await user_service.find_people([info.assigned_human]) if info.assigned_human else {}
    return next((OperatorName(name=person.name or person.email) for person in people.values()), None)


def _mirrored(message: PolledMessage) -> PolledMessage:
    """The SDK only notices that the agent is back by these words."""
    if message.code != "AI_JOINED":
        return message
    return message.model_copy(update={"content": f"{message.content} (handed back to agent)"})
