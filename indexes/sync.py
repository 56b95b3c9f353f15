"""The declared indexes against those of the server: what differs, and how the gap is closed."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pymongo.errors import DuplicateKeyError, OperationFailure

from indexes.definitions import Models, WantedIndex, collection_name, wanted
from indexes.duplicates import DuplicatesFound, Violation, explain_refusal, find_duplicates
from indexes.server import Db, create_collection, create_index, drop_index, ready_indexes
from indexes.specs import IndexSpec, excludes, matches, stands_in

_PRIMARY = "_id_"


class Action(StrEnum):
    """What a difference asks for."""

    create_collection = "create collection"
    create = "create"
    recreate = "recreate"
    foreign = "foreign"
    satisfied = "satisfied"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``wanted`` is the declared index, ``there`` the server's, where there is one."""

    action: Action
    collection: str
    wanted: IndexSpec | None = None
    there: IndexSpec | None = None

    @property
    def drops(self) -> bool:
        """Whether it takes an index away, and so waits for ``drop``."""
        return self.action in (Action.recreate, Action.foreign)

    def pending(self, *, drop: bool) -> bool:
        """Whether the server has not yet what is declared; with ``drop``, exactly what is declared."""
        return self.action is not Action.satisfied and (drop or self.action is not Action.foreign)

    @property
    def reason(self) -> str:
        """Why, in a few words; empty where the action says it."""
        there = f"{self.there.name} {self.there}" if self.there else ""
        return {
            Action.recreate: f"the server has {there}",
            Action.foreign: "no document declares it",
            Action.satisfied: f"the server has {there}",
        }.get(self.action, "")

    def __str__(self) -> str:
        spec = self.wanted or self.there
        index = f".{spec.name} {spec}" if spec else ""
        return f"{self.action:<9} {self.collection}{index}" + (f": {self.reason}" if self.reason else "")

    def as_json(self) -> dict[str, Any]:
        """The change as JSON can carry it."""
        spec = self.wanted or self.there
        return {
            "action": self.action.value,
            "collection": self.collection,
            "index": spec.name if spec else None,
            "keys": list(spec.keys) if spec else [],
            "options": dict(spec.options) if spec else {},
            "reason": self.reason,
        }


Progress = Callable[[Change], None]


def _silently(_: Change) -> None:
    """Report nothing."""


async def plan(db: Db, models: Models) -> list[Change]:
    """Every difference between what the documents declare and what the server has, by collection."""
    there = set(await db.list_collection_names())
    changes: list[Change] = []
    for collection, indexes in _by_collection(models).items():
        if collection not in there:
            changes.append(Change(Action.create_collection, collection))
        changes += _compare(collection, indexes, await ready_indexes(db, collection))
    return changes


async def apply(
    db: Db, models: Models, *, drop: bool = False, progress: Progress = _silently
) -> list[Change]:
    """Create what is missing, one index at a time, and answer what was done.

    ``progress`` hears of each change as it begins.

    Safe to repeat, to interrupt, and to run twice at once. With ``drop``, indexes that differ are replaced,
    and those that nobody declares dropped: at the end, when all others are there. Raises DuplicatesFound,
    with every unique index that documents violate: it is not built, and nothing is dropped.
    """
    changes = await plan(db, models)
    additions = sorted((c for c in changes if not c.drops and c.pending(drop=drop)), key=_unique_first)
    removals = [c for c in changes if c.drops and drop]
    await _carry_out(db, additions, progress)
    await _carry_out(db, removals, progress)
    return [*additions, *removals]


async def missing_required(db: Db, models: Models) -> list[str]:
    """The unique indexes that are not ready, as ``collection.name``; while there are any, serve no traffic.

    One small question for each collection with a unique index; after ``[]``, it need not be asked again.
    """
    required = [index for index in wanted(models) if index.required]
    collections = sorted({index.collection for index in required})
    found = await asyncio.gather(*(ready_indexes(db, collection) for collection in collections))
    there = dict(zip(collections, found, strict=True))
    return [
        f"{index.collection}.{index.spec.name}"
        for index in required
        if not any(stands_in(spec, index.spec) for spec in there[index.collection])
    ]


async def prepare_empty(db: Db, models: Models) -> list[Change]:
    """Create collections that do not exist, and indexes on those without documents; both take no time.

    Collections with documents are left alone, and nothing is dropped. Answers what was created. A first start waits for
    this, so the collections are made all at once.
    """
    additions = [
        change for change in await plan(db, models) if not change.drops and change.pending(drop=False)
    ]
    filled = {
        collection
        for collection in {change.collection for change in additions}
        if await db[collection].find_one({}, {"_id": 1}) is not None
    }
    done = [change for change in additions if change.collection not in filled]
    by_collection: dict[str, list[Change]] = {}
    for change in done:
        by_collection.setdefault(change.collection, []).append(change)
    await asyncio.gather(*(_carry_out(db, changes, _silently) for changes in by_collection.values()))
    return done


async def create_required(db: Db, models: Models) -> list[Change]:
    """Create the unique indexes that are missing, and no others: without them no traffic may be served.

    Answers what was created. Raises DuplicatesFound, after all that could be created.
    """
    missing = [
        change
        for change in await plan(db, models)
        if change.wanted is not None
        and change.wanted.unique
        and not change.drops
        and change.pending(drop=False)
    ]
    await _carry_out(db, missing, _silently)
    return missing


def _by_collection(models: Models) -> dict[str, list[WantedIndex]]:
    found: dict[str, list[WantedIndex]] = {collection_name(model): [] for model in models}
    for index in wanted(models):
        found[index.collection].append(index)
    return found


def _compare(collection: str, indexes: Sequence[WantedIndex], there: Sequence[IndexSpec]) -> Iterator[Change]:
    by_name = {spec.name: spec for spec in there}
    accounted = {_PRIMARY}
    for spec in (index.spec for index in indexes):
        namesake = by_name.get(spec.name)
        stand_in = next((found for found in there if stands_in(found, spec)), None)
        rival = namesake or next((found for found in there if excludes(found, spec)), None)
        if namesake is not None and matches(namesake, spec):
            accounted.add(namesake.name)
        elif namesake is None and stand_in is not None:
            accounted.add(stand_in.name)
            yield Change(Action.satisfied, collection, spec, stand_in)
        elif rival is not None:
            accounted.add(rival.name)
            yield Change(Action.recreate, collection, spec, rival)
        else:
            yield Change(Action.create, collection, spec)
    for spec in there:
        if spec.name not in accounted:
            yield Change(Action.foreign, collection, there=spec)


def _unique_first(change: Change) -> int:
    """Collections, then unique indexes, then the others: what may be refused is tried before long builds."""
    if change.wanted is None:
        return 0
    return 1 if change.wanted.unique else 2


async def _carry_out(db: Db, changes: Sequence[Change], progress: Progress) -> None:
    """Raises DuplicatesFound, after all the other changes."""
    violations: list[Violation] = []
    for change in changes:
        progress(change)
        if (violation := await _carry_out_one(db, change)) is not None:
            violations.append(violation)
    if violations:
        raise DuplicatesFound(violations)


async def _carry_out_one(db: Db, change: Change) -> Violation | None:
    if change.wanted is not None and change.there is not None:
        return await _replace(db, change.collection, change.there, change.wanted)
    if change.wanted is not None:
        return await _create(db, change.collection, change.wanted)
    if change.there is not None:
        await drop_index(db, change.collection, change.there)
    else:
        await create_collection(db, change.collection)
    return None


async def _create(db: Db, collection: str, spec: IndexSpec) -> Violation | None:
    try:
        await create_index(db, collection, spec)
    except DuplicateKeyError as error:
        return await explain_refusal(db, collection, spec, error)
    return None


async def _replace(db: Db, collection: str, there: IndexSpec, spec: IndexSpec) -> Violation | None:
    """Put an index in the place of one that excludes it; the old one comes back if the new one is refused."""
    if spec.unique and (violation := await find_duplicates(db, collection, spec)) is not None:
        return violation
    await drop_index(db, collection, there)
    try:
        await create_index(db, collection, spec)
    except OperationFailure as error:
        await create_index(db, collection, there)
        if isinstance(error, DuplicateKeyError):
            return await explain_refusal(db, collection, spec, error)
        raise
    return None
