"""Work that outlives its request, and how it is stopped."""

import asyncio

import pytest

from crafter.core import tasks
from crafter.core.tasks import TaskGroup


async def test_stopping_waits_for_what_ends_in_time() -> None:
    group = TaskGroup()
    done = asyncio.Event()
    task = group.start(done.wait(), name="quick")

    group.stop_within(60)
    asyncio.get_running_loop().call_soon(done.set)
    await group.stopped()

    assert task.result() is True


async def test_what_takes_longer_is_cancelled_and_its_last_words_are_awaited() -> None:
    group = TaskGroup()
    stored: list[str] = []

    async def talk() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            stored.append("what was said")

    group.start(talk(), name="endless")
    await asyncio.sleep(0)
    group.stop_within(0)
    await group.stopped()

    assert stored == ["what was said"]


async def test_the_first_call_decides_how_long_there_is() -> None:
    group = TaskGroup()
    task = group.start(asyncio.Event().wait(), name="endless")

    group.stop_within(0)
    group.stop_within(600)
    await group.stopped()

    assert task.cancelled()


async def test_what_begins_while_stopping_is_cancelled_with_the_rest() -> None:
    group = TaskGroup()
    group.stop_within(0.05)
    task = group.start(asyncio.Event().wait(), name="late")

    await group.stopped()

    assert task.cancelled()


async def test_a_task_that_does_not_end_is_not_waited_for_longer_than_the_grace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "GRACE_SECONDS", 0.05)
    group = TaskGroup()
    end = asyncio.Event()

    async def insist() -> None:
        while not end.is_set():
            try:
                await end.wait()
            except asyncio.CancelledError:
                continue

    task = group.start(insist(), name="stubborn")
    await asyncio.sleep(0)
    group.stop_within(0)
    await group.stopped()

    assert not task.done()
    end.set()
    await task
