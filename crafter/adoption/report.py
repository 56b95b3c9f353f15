"""Looks through a database and reports what an operator should know before serving it; changes nothing."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from crafter.adoption.secrets import UnreadableSecret, find_unreadable
from crafter.core.documents import BaseDocument
from crafter.core.secrets import Keyring
from indexes.definitions import wanted
from indexes.duplicates import find_duplicates

Db = AsyncDatabase[dict[str, Any]]

REFERENCES = (
    ("projects", "organization", "organizations"),
    ("organizations", "members.user", "users"),
    ("organizations", "owner", "users"),
    ("apikeys", "project", "projects"),
    ("apikeys", "provider", "providers"),
    ("prompts", "project", "projects"),
    ("prompts", "api_key", "apikeys"),
    ("promptexecutions", "project", "projects"),
    ("agents", "project", "projects"),
    ("agents", "api_key", "apikeys"),
    ("conversations", "agent", "agents"),
    ("agentexecutions", "agent", "agents"),
    ("userapikeys", "organization", "organizations"),
    ("userapikeys", "user", "users"),
    ("sessiontokens", "user_api_key", "userapikeys"),
    ("sessiontokens", "agent", "agents"),
)
"""Who refers to whom in a database of LLM Crafter; nothing there cascades, so expect some to lead nowhere."""

WITHOUT_TENANT = ("apikeys", "prompts", "promptexecutions", "conversations", "agentexecutions")
_SHOWN = 20
_CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Orphans:
    """References of one kind that lead nowhere: to how many missing documents, and some of their ids."""

    collection: str
    field: str
    target: str
    missing: int
    ids: list[str]

    def __str__(self) -> str:
        shown = ", ".join(self.ids)
        return f"{self.collection}.{self.field}: {self.missing} {self.target} are gone ({shown})"


@dataclass(slots=True)
class Report:
    """What was found. ``unreadable`` and ``duplicates`` need somebody's attention; the rest is for information."""

    counts: dict[str, int] = field(default_factory=dict)
    without_tenant: dict[str, int] = field(default_factory=dict)
    orphans: list[Orphans] = field(default_factory=list)
    unreadable: list[UnreadableSecret] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing needs attention."""
        return not self.unreadable and not self.duplicates

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**asdict(self), "clean": self.clean}


async def examine(db: Db, keyring: Keyring, models: Sequence[type[BaseDocument]]) -> Report:
    """Look through everything. Reads only; large collections are read by their references and their secrets."""
    report = Report()
    for name in sorted(await db.list_collection_names()):
        if not name.startswith("system."):
            report.counts[name] = await db[name].estimated_document_count()
    for name in WITHOUT_TENANT:
        if name in report.counts and (count := await db[name].count_documents({"organization": None})):
            report.without_tenant[name] = count
    for collection, path, target in REFERENCES:
        if collection in report.counts and (orphans := await _orphans(db, collection, path, target)):
            report.orphans.append(orphans)
    report.unreadable = await find_unreadable(db, keyring)
    for index in wanted(models):
        if index.required and index.collection in report.counts:
            violation = await find_duplicates(db, index.collection, index.spec)
            if violation is not None:
                report.duplicates.append(str(violation))
    return report


async def _orphans(db: Db, collection: str, path: str, target: str) -> Orphans | None:
    array = path.partition(".")[0]
    unwind = [{"$unwind": f"${array}"}] if "." in path else []
    stages: list[dict[str, Any]] = [
        {"$match": {path: {"$type": "string"}}},
        {"$project": {path: 1}},
        *unwind,
        {"$group": {"_id": f"${path}"}},
    ]
    missing: list[str] = []
    chunk: list[str] = []
    async for row in await db[collection].aggregate(stages, allowDiskUse=True):
        chunk.append(row["_id"])
        if len(chunk) == _CHUNK:
            missing += await _not_there(db, target, chunk)
            chunk = []
    missing += await _not_there(db, target, chunk)
    if not missing:
        return None
    return Orphans(collection, path, target, len(missing), sorted(missing)[:_SHOWN])


async def _not_there(db: Db, target: str, ids: list[str]) -> list[str]:
    there = {row["_id"] async for row in db[target].find({"_id": {"$in": ids}}, {"_id": 1})}
    return [found for found in ids if found not in there]
