"""Work that outlives its request, and how it is stopped."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from crafter.core import tasks
from crafter.core.tasks import TaskGroup, sheltered


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


async def test_a_reader_who_is_cancelled_again_and_again_cancels_the_making_once() -> None:
    cleaned_up, cancellations = asyncio.Event(), []

    async def make() -> AsyncIterator[int]:
        yield 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancellations.append("once")
            for _ in range(20):
                await asyncio.sleep(0)
            cleaned_up.set()
            raise

    read: list[int] = []

    async def reader() -> None:
        pieces = sheltered(make())
        read.append(await anext(pieces))
        await anext(pieces)

    reading = asyncio.create_task(reader())
    while not read:
        await asyncio.sleep(0)
    while not reading.done():
        reading.cancel()
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await cleaned_up.wait()

    assert (read, cancellations) == ([1], ["once"])


async def test_a_reader_who_stops_reading_ends_the_making() -> None:
    ended = asyncio.Event()

    async def make() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            ended.set()

    async for _ in sheltered(make()):
        break
    async with asyncio.timeout(5):
        await ended.wait()


async def test_sheltered_pieces_come_as_they_are_made_up_to_the_failure() -> None:
    async def make() -> AsyncIterator[int]:
        yield 1
        yield 2
        raise ValueError("no more")

    pieces = sheltered(make())

    assert [await anext(pieces), await anext(pieces)] == [1, 2]
    with pytest.raises(ValueError, match="no more"):
        await anext(pieces)
    assert [piece async for piece in sheltered(numbers(3))] == [0, 1, 2]


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number
