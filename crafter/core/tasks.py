"""Work that outlives its request: it belongs to the process, survives a reader who leaves, and is ended in order."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import structlog

GRACE_SECONDS = 3
"""How long a task that was cancelled may take to store what it has."""

log = structlog.get_logger("crafter.tasks")
T = TypeVar("T")

_END: Any = object()
_ending: set[asyncio.Task[None]] = set()


class TaskGroup:
    """The running tasks of a process."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._end: asyncio.TimerHandle | None = None
        self._stopping = asyncio.Event()

    def start(self, work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Run something on its own. A failure that nobody awaits is logged."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    async def idle(self) -> None:
        """Wait until nothing runs."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def stopping(self) -> bool:
        """Whether the process is about to end: what has no end of its own should end now."""
        return self._stopping.is_set()

    async def pause(self, seconds: float) -> None:
        """Wait for so long, or until the process is about to end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def stop_within(self, seconds: float) -> None:
        """Begin to stop: what still runs after so many seconds is cancelled. The first call counts."""
        self._stopping.set()
        if self._end is None:
            self._end = asyncio.get_running_loop().call_later(seconds, self._cancel)

    async def stopped(self) -> None:
        """Wait until nothing runs, or until those that were cancelled have had their time for it."""
        assert self._end is not None
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._end.when() + GRACE_SECONDS):
                await self.idle()
        self._end.cancel()

    def _cancel(self) -> None:
        if self._tasks:
            log.warning("tasks_interrupted", count=len(self._tasks))
        for task in self._tasks:
            task.cancel()

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task_failed", task=task.get_name(), error=type(error).__name__)


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Do something completely, even if the task is cancelled meanwhile: half of it would be lost, or twice there."""
    task = asyncio.create_task(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    return task.result()


async def sheltered(pieces: AsyncIterator[T]) -> AsyncIterator[T]:
    """The same pieces, each made in a task of its own, which is cancelled at most once.

    What answers a reader who has left is cancelled again with every turn of the loop, also while it cleans up. The
    database driver does not survive that: a connection that is being waited for, or given back, is lost for good, and
    with it the lock of the pool that all requests share.
    """
    step: asyncio.Task[T] | None = None
    try:
        while True:
            step = asyncio.ensure_future(anext(pieces, _END))
            piece = await asyncio.shield(step)
            if piece is _END:
                return
            yield piece
    finally:
        ending = asyncio.create_task(_end(pieces, step))
        _ending.add(ending)
        ending.add_done_callback(_ending.discard)


async def _end(pieces: AsyncIterator[Any], step: asyncio.Task[Any] | None) -> None:
    """Stop making pieces, and let what made them clean up."""
    if step is not None and not step.done():
        step.cancel()
        await asyncio.wait([step])
    if isinstance(pieces, AsyncGenerator):
        await pieces.aclose()
