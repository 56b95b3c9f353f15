"""Responses as they are answered, whole or as events."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import count
from typing import Any

from crafter.core.errors import CrafterError, TooManyRequests
from crafter.execution.events import Failed
from crafter.execution.frames import frame
from crafter.llm.base import Finished, Usage
from crafter.openai_api.asking import Event
from crafter.openai_api.responses.output import Output
from crafter.openai_api.responses.schemas import ResponseCreate

_CUT = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why an answer is not complete, by the reason for which the model ended it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response; ``created`` is in seconds since 1970."""

    id: str
    body: ResponseCreate
    created: int

    def whole(self, finished: Finished) -> dict[str, Any]:
        """The response at once."""
        return self._ended(Output.of(finished), finished)

    async def frames(self, events: AsyncGenerator[Event, None]) -> AsyncIterator[bytes]:
        """The response as it comes: numbered events, of which the last has all of it."""
        numbers, output = count(), Output()
        for kind in ("created", "in_progress"):
            opening = {"type": f"response.{kind}", "response": self._show("in_progress", [])}
            yield _told(opening, next(numbers))
        async with aclosing(events):
            async for event in events:
                for change in self._changes(output, event):
                    yield _told(change, next(numbers))

    def _changes(self, output: Output, event: Event) -> Iterator[dict[str, Any]]:
        if isinstance(event, Failed):
            yield {"type": "response.failed", "response": self._failed(output, event.error)}
        elif isinstance(event, Finished):
            status = _status(event)
            yield from output.end(status)
            yield {"type": f"response.{status}", "response": self._ended(output, event)}
        else:
            yield from output.take(event)

    def _ended(self, output: Output, finished: Finished) -> dict[str, Any]:
        status, cut = _status(finished), _CUT.get(finished.finish_reason)
        shown = self._show(status, output.show(status))
        details = {"incomplete_details": {"reason": cut} if cut else None}
        return {**shown, **details, "usage": show_usage(finished.usage)}

    def _failed(self, output: Output, error: CrafterError) -> dict[str, Any]:
        code = "rate_limit_exceeded" if isinstance(error, TooManyRequests) else "server_error"
        told = {"error": {"code": code, "message": error.message}}
        return {**self._show("failed", output.show("incomplete")), **told}

    def _show(self, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
        body = self.body
        chosen = body.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": None,
            "instructions": body.instructions,
            "max_output_tokens": body.max_output_tokens,
            "metadata": body.metadata,
            "model": body.model,
            "output": output,
            "parallel_tool_calls": body.parallel_tool_calls is not False,
            "previous_response_id": None,
            "reasoning": chosen["reasoning"],
            "store": False,
            "temperature": body.temperature,
            "text": {"format": {"type": "text"}, **chosen["text"]},
            "tool_choice": chosen.get("tool_choice", "auto"),
            "tools": chosen["tools"],
            "top_p": body.top_p,
            "truncation": "disabled",
            "usage": None,
            "user": body.user,
        }


def _told(event: dict[str, Any], number: int) -> bytes:
    return f"event: {event['type']}\n".encode() + frame({**event, "sequence_number": number})


def show_usage(usage: Usage) -> dict[str, Any]:
    """What an answer took."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }


def _status(finished: Finished) -> str:
    return "incomplete" if finished.finish_reason in _CUT else "completed"
