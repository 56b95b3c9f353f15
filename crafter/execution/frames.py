"""A turn as server-sent events, in the contract's framing: one line of JSON a frame, one write a frame.

The published clients keep no buffer between network chunks, so a frame is small, plain ASCII, and never split.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

from crafter.execution.answers import usage_of
from crafter.execution.turn import Completed, Delta, Failed, Turn, events_of

_HEADERS = {
    "Cache-Control": "no-cache",
    "Connection": "keep-alive",
    "X-Accel-Buffering": "no",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
}
_PIECE = 2_000
"""Characters of one frame at the most: 12 kB when each is escaped."""


def frame(data: dict[str, Any]) -> bytes:
    """One frame; other than ASCII is escaped."""
    return f"data: {json.dumps(data, separators=(',', ':'))}\n\n".encode("ascii")


def stream_response(frames: AsyncIterator[bytes]) -> StreamingResponse:
    """A response that writes each frame on its own."""
    return StreamingResponse(frames, media_type="text/event-stream", headers=_HEADERS)


async def chat_frames(turn: Turn) -> AsyncIterator[bytes]:
    """``connected``, the pieces of the answer, then ``complete`` or ``error``."""
    yield frame({"type": "connected", "message": "Stream established"})
    if turn.canned is not None:
        yield frame(_complete(turn, None))
        return
    async for event in events_of(turn):
        if isinstance(event, Delta):
            for start in range(0, len(event.text), _PIECE):
                yield frame({"type": "response_chunk", "content": event.text[start : start + _PIECE]})
        elif isinstance(event, Failed):
            yield frame({"type": "error", "error": event.error.message, "code": event.error.code})
        else:
            yield frame(_complete(turn, event))


def _complete(turn: Turn, completed: Completed | None) -> dict[str, Any]:
    canned = turn.canned
    return {
        "type": "complete",
        "conversation_id": turn.conversation.id,
        "message_id": str(completed.message.id) if completed else None,
        "token_usage": usage_of(completed).model_dump(),
        "handoff_requested": bool(canned and canned.handoff_requested),
        "handoff_info": canned.handoff_info if canned else None,
        "suggestions": None,
    }
