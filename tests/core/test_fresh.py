"""What is remembered for a moment: read once, and never behind what the own process wrote."""

import asyncio

import pytest

from crafter.core import fresh
from crafter.core.fresh import Remembered


class Source:
    """Something to read; counts how often it was."""

    def __init__(self) -> None:
        self.value = 0
        self.reads = 0

    async def read(self) -> int:
        self.reads += 1
        value = self.value
        await asyncio.sleep(0)
        return value


async def test_it_is_read_once_until_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(fresh, "monotonic", lambda: clock[0])
    source, remembered = Source(), Remembered[str, int]()

    for moment in (0.0, 0.5, 0.999, 1.0):
        clock[0] = moment
        await remembered.get("a", source.read)

    assert source.reads == 2


async def test_a_write_is_seen_at_once_also_by_a_read_that_was_under_way() -> None:
    source, remembered = Source(), Remembered[str, int]()
    under_way = asyncio.create_task(remembered.get("a", source.read))
    await asyncio.sleep(0)
    source.value = 1
    remembered.forget()

    await under_way

    assert await remembered.get("a", source.read) == 1


async def test_only_so_much_is_remembered() -> None:
    source, remembered = Source(), Remembered[int, int](most=2)

    for key in (1, 2, 3, 3, 2, 1):
        await remembered.get(key, source.read)

    assert source.reads == 4
