"""What is read again and again, remembered for a moment: never longer than another process may be behind."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

SECONDS = 1.0
"""How far behind the writes of another process an answer may be."""

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """At most ``most`` answers, each for at most ``SECONDS``; of those the least recently used go first.

    Whoever writes calls ``forget``: then the own process is never behind, not even by a read that was under way.
    """

    def __init__(self, most: int = 4_096) -> None:
        self._most = most
        self._known: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._writes = 0

    async def get(self, key: K, read: Callable[[], Awaitable[V]]) -> V:
        """The answer to a key, remembered or read."""
        known = self._known.get(key)
        if known is not None and monotonic() - known[0] < SECONDS:
            self._known.move_to_end(key)
            return known[1]
        started, writes = monotonic(), self._writes
        value = await read()
        if writes == self._writes:
            self._known[key] = (started, value)
            self._known.move_to_end(key)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return value

    def forget(self) -> None:
        """Something was written: read everything anew."""
        self._writes += 1
        self._known.clear()
