"""A conversation as it goes on, for an operator who looks at it.

The database is asked once a second, rather than watched: every reader gets a sign of life each second anyway, which
costs one read by id, works in any number of processes, and holds no connection; a change stream would hold one of the
pool for each reader. What was not sent yet is known by its sequence number, so nothing is read twice.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import structlog
from pymongo.errors import PyMongoError

from crafter.conversations import handling, presentation
from crafter.conversations import messages as message_store
from crafter.conversations.documents import Conversation
from crafter.conversations.errors import ConversationNotFound
from crafter.conversations.handling import State
from crafter.core.runtime import Runtime
from crafter.execution.frames import frame

log = structlog.get_logger("crafter.handoffs")

INTERVAL_SECONDS = 1.0
CHECK_SECONDS = 3.0
"""How often a reader must still be allowed in; with all that comes on top, out within 5 seconds."""

MOST_MESSAGES = 1_000
"""Of the history, the newest."""

_PER_FRAME = 100

OPERATOR_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `connected`, then `new_messages` and `status_update` each second.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
"""How the stream is described in the OpenAPI document."""

StillAllowed = Callable[[], Awaitable[bool]]


async def frames(
    conversation: Conversation, runtime: Runtime, still_allowed: StillAllowed
) -> AsyncGenerator[bytes, None]:
    """``connected``; then each second what is new, the history first, and the status.

    Ends when the conversation is deleted, the reader is not allowed in any more, or the server stops.
    """
    yield frame({"type": "connected"})
    clock = asyncio.get_running_loop().time
    seen, check_at = -1, clock() + CHECK_SECONDS
    while not runtime.tasks.stopping:
        try:
            if clock() >= check_at:
                if not await still_allowed():
                    return
                check_at = clock() + CHECK_SECONDS
            state = await handling.get_state(conversation.scope, conversation.id)
            if seen < 0:
                seen = max(0, state.message_count - MOST_MESSAGES)
            while seen < state.message_count:
                messages = await _messages(conversation, seen, runtime)
                if not messages:
                    break
                seen = messages[-1]["seq"]
                yield frame({"type": "new_messages", "messages": messages, **_who(state)})
            yield frame({"type": "status_update", **_who(state), "message_count": state.message_count})
        except ConversationNotFound:
            return
        except PyMongoError as error:
            log.warning("stream_interrupted", conversation=conversation.id, error=type(error).__name__)
            yield frame({"type": "error", "message": "Error fetching conversation updates"})
        await runtime.tasks.pause(INTERVAL_SECONDS)


async def _messages(conversation: Conversation, after: int, runtime: Runtime) -> list[dict[str, Any]]:
    page = await message_store.read_page(conversation.scope, conversation.id, after=after, limit=_PER_FRAME)
    shown = presentation.show_messages(conversation, page.rows, runtime.keyring)
    return [message.model_dump(mode="json", by_alias=True, fallback=str) for message in shown]


def _who(state: State) -> dict[str, str]:
    return {"conversation_status": state.status, "current_handler": state.current_handler}
