"""What is told while a run goes on: the pieces of what is said, and at last how it ended."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeVar

from crafter.core.errors import CrafterError


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of what is said."""

    text: str


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no (whole) answer; what was said until then is stored."""

    error: CrafterError


T = TypeVar("T")


async def read_events(queue: asyncio.Queue[Delta | Failed | T]) -> AsyncIterator[Delta | Failed | T]:
    """The events of a run until it has ended. Leaving early does not end the run."""
    while True:
        event = await queue.get()
        yield event
        if not isinstance(event, Delta):
            return


async def last_event(queue: asyncio.Queue[Delta | Failed | T]) -> T:
    """How a run ended well. Raises what it failed with."""
    async for event in read_events(queue):
        if isinstance(event, Failed):
            raise event.error
        if not isinstance(event, Delta):
            return event
    raise CrafterError
