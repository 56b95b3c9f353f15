"""Export: everything about an end user as one JSON object, in pieces, so that memory does not grow with its length."""

from collections.abc import AsyncIterator

from crafter.agent_executions import service as execution_service
from crafter.conversations import messages as message_store
from crafter.conversations import presentation
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Conversation
from crafter.conversations.errors import ConversationNotFound
from crafter.conversations.messages import MessagePage
from crafter.core.secrets import Keyring
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now, wire_time
from crafter.edge.responses import to_json_bytes

MESSAGES = 100
"""How many messages are held at once."""


async def export(scope: Scope, user_identifier: str, keyring: Keyring) -> AsyncIterator[bytes]:
    """The pieces of ``{"user_identifier", "exported_at", "conversations": […], "executions": […]}``.

    Conversations have all of their messages, readable. What fails ends the pieces early, so that what has arrived is
    not JSON.
    """
    head = to_json_bytes({"user_identifier": user_identifier, "exported_at": wire_time(utc_now())})
    yield head[:-1] + b',"conversations":['
    comma = b""
    async for conversation in conversation_service.each_with(scope, user_identifier):
        yield comma
        async for piece in _conversation(conversation, keyring):
            yield piece
        comma = b","
    yield b'],"executions":['
    comma = b""
    async for execution in execution_service.each_for(scope, user_identifier):
        yield comma + to_json_bytes(execution_service.show(execution))
        comma = b","
    yield b"]}"


async def _conversation(conversation: Conversation, keyring: Keyring) -> AsyncIterator[bytes]:
    """A conversation as it is answered elsewhere, its messages last."""
    shown = presentation.show(conversation, MessagePage([], 0), keyring)
    fields = to_json_bytes(shown, exclude={"messages", "messages_truncated", "message_count"})
    yield fields[:-1] + b',"messages":['
    count, comma = 0, b""
    async for page in _message_pages(conversation):
        for message in presentation.show_messages(conversation, page.rows, keyring):
            yield comma + to_json_bytes(message)
            comma = b","
        count = page.total
    yield b'],"message_count":%d,"messages_truncated":false}' % count


async def _message_pages(conversation: Conversation) -> AsyncIterator[MessagePage]:
    """All messages in order; of a conversation that is deleted meanwhile, those that were there."""
    after, total = 0, 1
    while after < total:
        try:
            page = await message_store.read_page(
                conversation.scope, conversation.id, after=after, limit=MESSAGES
            )
        except ConversationNotFound:
            return
        yield page
        after, total = after + MESSAGES, page.total
