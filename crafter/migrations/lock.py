"""A lock in the database: one runner at a time, and nobody waits for ever for one that died."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from crafter.core.errors import Conflict
from crafter.core.ids import new_id
from crafter.core.time import utc_now

LEASE = timedelta(seconds=60)
_RENEW_SECONDS = 15
_POLL_SECONDS = 0.2

Locks = AsyncCollection[dict[str, Any]]


class LockLost(Conflict):
    """Somebody else took the lock, since we were away for longer than its lease."""

    code = "LOCK_LOST"
    message = "Another process took over meanwhile."


@asynccontextmanager
async def locked(locks: Locks, name: str) -> AsyncIterator[None]:
    """Hold the lock of that name; wait while somebody else holds it and is alive.

    Raises LockLost at the end when the lease could not be kept.
    """
    owner = new_id()
    while not await _take(locks, name, owner):  # noqa: ASYNC110 - what ends the wait happens in another process
        await asyncio.sleep(_POLL_SECONDS)
    holder = asyncio.current_task()
    assert holder is not None
    renewal = asyncio.create_task(_renew(locks, name, owner, holder))
    try:
        yield
    except asyncio.CancelledError:
        if renewal.done() and not renewal.cancelled():
            raise LockLost from None
        raise
    finally:
        renewal.cancel()
        with suppress(asyncio.CancelledError):
            await renewal
        await locks.delete_one({"_id": name, "owner": owner})


async def _take(locks: Locks, name: str, owner: str) -> bool:
    now = utc_now()
    lease = {"$set": {"owner": owner, "until": now + LEASE}}
    try:
        done = await locks.update_one({"_id": name, "until": {"$lt": now}}, lease, upsert=True)
    except DuplicateKeyError:  # it is there, and its lease runs
        return False
    return done.matched_count == 1 or done.upserted_id is not None


async def _renew(locks: Locks, name: str, owner: str, holder: asyncio.Task[Any]) -> None:
    """Keep the lease; when it is lost, stop the holder."""
    while True:
        await asyncio.sleep(_RENEW_SECONDS)
        lease = {"$set": {"until": utc_now() + LEASE}}
        if (await locks.update_one({"_id": name, "owner": owner}, lease)).matched_count == 0:
            holder.cancel()
            return
