"""Documents that stand in the way of a unique index: which they are, and how an operator is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.errors import DuplicateKeyError

from indexes.server import Db, unhurried
from indexes.specs import IndexSpec

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Violation:
    """A unique index that cannot be built; each of ``duplicates`` lists ids of documents that share a value.

    At most 5 values are listed, and 5 documents for each. The values may be secrets, and are never told.
    """

    collection: str
    spec: IndexSpec
    duplicates: Sequence[Sequence[Any]]

    def __str__(self) -> str:
        keys = ", ".join(field for field, _ in self.spec.keys)
        problem = (
            f"{self.collection}: the unique index {self.spec.name} cannot be built: some documents agree in "
        )
        lines = [f"{problem}{keys}. Their ids, one line for each value:"]
        return "\n".join([*lines, *(f"  {', '.join(map(str, ids))}" for ids in self.duplicates)])


class DuplicatesFound(Exception):
    """Unique indexes cannot be built until documents are changed or deleted."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = violations
        advice = "Change or delete all documents but one of each line, then run apply again."
        super().__init__("\n".join([*map(str, violations), advice]))


async def find_duplicates(db: Db, collection: str, spec: IndexSpec) -> Violation | None:
    """The documents that a unique index would refuse, or None. Elements of arrays are not compared."""
    keys = {str(n): {"$ifNull": [f"${field}", None]} for n, (field, _) in enumerate(spec.keys)}
    stages: list[Mapping[str, Any]] = [
        {"$match": _covered(spec)},
        {"$group": {"_id": keys, "count": {"$sum": 1}, "ids": {"$firstN": {"input": "$_id", "n": _SHOWN}}}},
        {"$match": {"count": {"$gt": 1}}},
        {"$limit": _SHOWN},
    ]
    with unhurried():
        cursor = await db[collection].aggregate(
            stages, allowDiskUse=True, collation=spec.options.get("collation")
        )
        groups = [row["ids"] for row in await cursor.to_list()]
    return Violation(collection, spec, groups) if groups else None


async def explain_refusal(db: Db, collection: str, spec: IndexSpec, error: DuplicateKeyError) -> Violation:
    """Why the server refused to build a unique index."""
    found = await find_duplicates(db, collection, spec)
    if found is not None:
        return found
    values: Mapping[str, Any] | None = (error.details or {}).get("keyValue")
    if not values:
        return Violation(collection, spec, [])
    cursor = db[collection].find(values, {"_id": 1}, limit=_SHOWN, collation=spec.options.get("collation"))
    with unhurried():
        return Violation(collection, spec, [[row["_id"] for row in await cursor.to_list()]])


def _covered(spec: IndexSpec) -> Mapping[str, Any]:
    """The documents that the index would hold."""
    if partial := spec.options.get("partialFilterExpression"):
        return dict(partial)
    if spec.options.get("sparse"):
        return {"$or": [{field: {"$exists": True}} for field, _ in spec.keys]}
    return {}
