"""Identifiers: UUID strings whose order is the order of their making (version 7, RFC 9562)."""

import os
import threading
import time
import uuid
from datetime import datetime
from typing import Annotated

from pydantic import Field

EntityId = Annotated[
    str, Field(min_length=1, max_length=64, examples=["0199f3a4-7c1e-7b52-9a53-0c1f4f0f2d11"])
]
"""The id of a stored document. Node wrote version 4, we write version 7; both are opaque to callers."""

_NAMESPACE = uuid.UUID("6f1c2a52-6b0e-4a8e-9c59-3c4a0b7e2f10")
_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A fresh UUIDv7 string; within one process each is greater than the one before.

    Layout: 48 bits of Unix milliseconds, then 12 + 62 bits that start random in each millisecond and
    count up within it (RFC 9562, method 2: monotonic random).
    """
    global _last
    with _lock:
        fresh = (time.time_ns() // 1_000_000) << 74 | int.from_bytes(os.urandom(10), "big") & ((1 << 73) - 1)
        _last = value = max(fresh, _last + 1)
    milliseconds, rest = value >> 74, value & ((1 << 74) - 1)
    high, low = rest >> 62, rest & ((1 << 62) - 1)
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low))


def derived_id(*parts: str) -> str:
    """The UUIDv5 string of some parts: the same parts give the same id, so a repeated write hits one row."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))


def first_id_at(moment: datetime) -> str:
    """The least id that can have been made at a time: ids from then on are not below it."""
    milliseconds = min(max(int(moment.timestamp() * 1000), 0), (1 << 48) - 1)
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62))
