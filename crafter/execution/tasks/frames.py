"""A task as server-sent events, framed as turns are; see :mod:`crafter.execution.frames`."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.responses import StreamingResponse

from crafter.agent_executions.documents import ExecutedTool
from crafter.execution.answers import spent
from crafter.execution.events import Delta, Failed
from crafter.execution.frames import CONNECTED, frame, pieces_of, stream_response
from crafter.execution.tasks.task import Done, Task, events_of, start
from crafter.tool_runtime.results import as_text

_TOLD_LENGTH = 200
"""Characters of a tool's result, and of why there is none."""

_TOOLS_BYTES = 6_000
"""The runs of tools that are told altogether: a frame must arrive in one piece."""


class TaskEnding:
    """The last frame of a stream, for people and for programs with a key; others have their own."""

    def complete(self, done: Done) -> dict[str, Any]:
        """The output is complete."""
        return {
            "type": "complete",
            "execution_id": done.execution.id,
            "token_usage": spent(done.reasoning).model_dump(),
            "tools_used": _shortened(done.execution.tools_executed),
            "status": "completed",
        }

    async def error(self, task: Task, failed: Failed) -> dict[str, Any]:  # noqa: ARG002 - others need the task
        """There is no (whole) output."""
        return {"type": "error", "error": failed.error.message, "code": failed.error.code}


def stream_task(task: Task, ending: TaskEnding | None = None) -> StreamingResponse:
    """Have a prepared task done, and its output read while it is made."""
    start(task, stream=True)
    return stream_response(_frames(task, ending or TaskEnding()))


async def _frames(task: Task, ending: TaskEnding) -> AsyncIterator[bytes]:
    """``connected``, the pieces of the output, then ``complete`` or ``error``."""
    yield CONNECTED
    async for event in events_of(task):
        if isinstance(event, Delta):
            for piece in pieces_of(event.text):
                yield piece
        elif isinstance(event, Failed):
            yield frame(await ending.error(task, event))
        else:
            yield frame(ending.complete(event))


def _shortened(runs: Sequence[ExecutedTool]) -> list[dict[str, Any]]:
    """The first runs of tools, as far as they fit; the record has them all, and whole."""
    told: list[dict[str, Any]] = []
    room = _TOOLS_BYTES
    for run in runs:
        short = {
            "tool_name": run.tool_name,
            "status": run.status,
            "execution_time_ms": run.execution_time_ms,
            "result": None if run.error_message is not None else as_text(run.result)[:_TOLD_LENGTH],
            "error_message": run.error_message and run.error_message[:_TOLD_LENGTH],
        }
        room -= len(json.dumps(short))
        if room < 0:
            break
        told.append(short)
    return told
