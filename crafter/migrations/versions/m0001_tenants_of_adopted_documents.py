"""Gives the documents of the Node server the organization and project that they only had through others.

Provider keys, prompts and their executions know a project; conversations, agent executions and session tokens know an
agent. What points at a project or an agent that is gone stays as it is: nobody can reach it.
"""

from collections.abc import Mapping
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from crafter.core.time import utc_now
from crafter.migrations.progress import Progress

Db = AsyncDatabase[dict[str, Any]]

BY_PROJECT = ("apikeys", "prompts", "promptexecutions")
BY_AGENT = ("conversations", "agentexecutions", "sessiontokens")
MARK = "adopted_at"
_BATCH = 500


async def up(db: Db, progress: Progress) -> None:
    """Fill what is missing, in batches along ``_id``; what is filled already is not looked at again."""
    for name in BY_PROJECT:
        await _fill(db, name, "project", "projects", progress)
    for name in BY_AGENT:
        await _fill(db, name, "agent", "agents", progress)


async def down(db: Db, progress: Progress) -> None:
    """Take out just what ``up`` put in."""
    for name in BY_PROJECT:
        done = await db[name].update_many(
            {MARK: {"$exists": True}}, {"$unset": {"organization": "", MARK: ""}}
        )
        await progress.add(name, done.modified_count)
    for name in BY_AGENT:
        gone = {"$unset": {"organization": "", "project": "", MARK: ""}}
        done = await db[name].update_many({MARK: {"$exists": True}}, gone)
        await progress.add(name, done.modified_count)


async def check(db: Db) -> list[str]:
    """Documents that are still without their tenant although it is known."""
    problems = []
    for name, field, parents in (
        *((n, "project", "projects") for n in BY_PROJECT),
        *((n, "agent", "agents") for n in BY_AGENT),
    ):
        stages: list[Mapping[str, Any]] = [
            {"$match": {"organization": None}},
            {"$project": {field: 1}},
            {
                "$lookup": {
                    "from": parents,
                    "localField": field,
                    "foreignField": "_id",
                    "as": "parent",
                    "pipeline": [{"$match": {"organization": {"$type": "string"}}}, {"$project": {"_id": 1}}],
                }
            },
            {"$match": {"parent": {"$ne": []}}},
            {"$limit": 1},
        ]
        if left := await (await db[name].aggregate(stages)).to_list():
            problems.append(f"{name}: {left[0]['_id']} still has no organization")
    return problems


async def _fill(db: Db, name: str, field: str, parents: str, progress: Progress) -> None:
    last: Any = None
    while True:
        where: dict[str, Any] = {"organization": None, **({"_id": {"$gt": last}} if last is not None else {})}
        rows = await db[name].find(where, {field: 1}, sort=[("_id", 1)], limit=_BATCH).to_list()
        if not rows:
            return
        last = rows[-1]["_id"]
        homes = await _homes(db, parents, {row.get(field) for row in rows})
        changes = [
            UpdateOne(
                {"_id": row["_id"], "organization": None}, {"$set": {**homes[row[field]], MARK: utc_now()}}
            )
            for row in rows
            if row.get(field) in homes
        ]
        if changes:
            done = await db[name].bulk_write(changes, ordered=False)
            await progress.add(name, done.modified_count)
        await progress.add(f"{name} without a home", len(rows) - len(changes))


async def _homes(db: Db, parents: str, ids: set[Any]) -> dict[Any, dict[str, str]]:
    """The organization (and, through an agent, the project) of each parent that is there."""
    fields = {"organization": 1} if parents == "projects" else {"organization": 1, "project": 1}
    where = {"_id": {"$in": list(ids)}, "organization": {"$type": "string"}}
    return {row.pop("_id"): row async for row in db[parents].find(where, fields)}
