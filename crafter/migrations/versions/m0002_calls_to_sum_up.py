"""Marks the calls that were settled before usage was summed up, so that the sums take them in."""

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from crafter.migrations.progress import Progress

Db = AsyncDatabase[dict[str, Any]]

_UNMARKED = {"folded": None, "outcome": {"$ne": "running"}}


async def up(db: Db, progress: Progress) -> None:
    """Mark them; who is interrupted goes on with the rest."""
    done = await db["calls"].update_many(_UNMARKED, {"$set": {"folded": False}})
    await progress.add("calls", done.modified_count)


async def check(db: Db) -> list[str]:
    """Settled calls that no sum will ever take in."""
    count = await db["calls"].count_documents(_UNMARKED)
    return [f"{count} settled calls are not marked to be summed up"] if count else []
