"""A turn as server-sent events, in the contract's framing: one line of JSON a frame, one write a frame.

The published clients keep no buffer between network chunks, so a frame is small, plain ASCII, and never split.
"""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.responses import StreamingResponse

from crafter.edge.responses import streamed
from crafter.execution.answers import handoff_of, suggestions_of, usage_of
from crafter.execution.events import Delta, Failed
from crafter.execution.turn import Completed, Turn, events_of, start

_HEADERS = {
    "Cache-Control": "no-cache",
    "Connection": "keep-alive",
    "X-Accel-Buffering": "no",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
}
EVENT_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `connected`, `response_chunk`…, then `complete` or `error`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
"""How a stream is described in the OpenAPI document."""

_PIECE = 2_000
"""Characters of one frame at the most: 12 kB when each is escaped."""


def frame(data: dict[str, Any]) -> bytes:
    """One frame; other than ASCII is escaped."""
    return f"data: {json.dumps(data, separators=(',', ':'))}\n\n".encode("ascii")


CONNECTED = frame({"type": "connected", "message": "Stream established"})
"""The first frame of each stream."""


def pieces_of(text: str) -> Iterator[bytes]:
    """What is said, as one frame or more."""
    for at in range(0, len(text), _PIECE):
        yield frame({"type": "response_chunk", "content": text[at : at + _PIECE]})


def stream_response(frames: AsyncIterator[bytes]) -> StreamingResponse:
    """A response that writes each frame on its own."""
    return streamed(frames, "text/event-stream", _HEADERS)


class Ending:
    """The last frame of a stream, for people and for programs with a key; others have their own."""

    def complete(self, turn: Turn, completed: Completed | None) -> dict[str, Any]:
        """The answer is complete; without ``completed`` no model was asked."""
        canned = turn.canned
        handoff = handoff_of(completed) if completed else None
        return {
            "type": "complete",
            "conversation_id": turn.conversation.id,
            "message_id": str(completed.message.id) if completed else None,
            "token_usage": usage_of(completed).model_dump(),
            "handoff_requested": bool(handoff or (canned and canned.handoff_requested)),
            "handoff_info": handoff or (canned.handoff_info if canned else None),
            "suggestions": suggestions_of(completed),
        }

    async def error(self, turn: Turn, failed: Failed) -> dict[str, Any]:  # noqa: ARG002 - others need the turn
        """There is no (whole) answer."""
        return {"type": "error", "error": failed.error.message, "code": failed.error.code}


def stream_answer(turn: Turn, ending: Ending | None = None) -> StreamingResponse:
    """Have a prepared turn answered, and the answer read while it is made."""
    if turn.canned is None:
        start(turn, stream=True)
    return stream_response(_frames(turn, ending or Ending()))


async def _frames(turn: Turn, ending: Ending) -> AsyncIterator[bytes]:
    """``connected``, the pieces of the answer, then ``complete`` or ``error``."""
    yield CONNECTED
    if turn.canned is not None:
        yield frame(ending.complete(turn, None))
        return
    async for event in events_of(turn):
        if isinstance(event, Delta):
            for piece in pieces_of(event.text):
                yield piece
        elif isinstance(event, Failed):
            yield frame(await ending.error(turn, event))
        else:
            yield frame(ending.complete(turn, event))
