"""What is said to the server about indexes: which are ready, build one, drop one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymongo
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from indexes.specs import IndexSpec, read_spec

Db = AsyncDatabase[dict[str, Any]]

_LONGEST_SECONDS = 7 * 24 * 3600
_ATTEMPTS = 3
_NAMESPACE_NOT_FOUND = 26
_INDEX_NOT_FOUND = 27
_NAMESPACE_EXISTS = 48
_INDEX_BUILD_ABORTED = 276


@contextmanager
def unhurried() -> Iterator[None]:
    """Let statements take as long as a large collection asks for; the client's deadline is for requests."""
    with pymongo.timeout(_LONGEST_SECONDS):
        yield


async def ready_indexes(db: Db, collection: str) -> list[IndexSpec]:
    """The finished indexes of a collection, ``_id_`` included; none if there is no such collection.

    A plain ``listIndexes`` also names those still being built, which neither serve nor refuse anything.
    """
    try:
        cursor = await db.cursor_command("listIndexes", collection, includeBuildUUIDs=True)
        return [read_spec(found) for found in await cursor.to_list() if "buildUUID" not in found]
    except OperationFailure as error:
        if error.code == _NAMESPACE_NOT_FOUND:
            return []
        raise


async def create_collection(db: Db, collection: str) -> None:
    """Make a collection, unless it is there."""
    try:
        await db.create_collection(collection, check_exists=False)
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise


async def create_index(db: Db, collection: str, spec: IndexSpec) -> None:
    """Build an index, or wait for whoever builds it; readers and writers go on meanwhile.

    It counts once most members of the replica set have it. Raises DuplicateKeyError when documents violate a
    unique index; then nothing of it is left.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with unhurried():
                await db.command(
                    "createIndexes",
                    collection,
                    indexes=[dict(spec.document)],
                    commitQuorum="majority",
                    writeConcern={"w": "majority"},
                )
            return
        except OperationFailure as error:
            # Another run, with an older view, may drop an index while it is being built anew.
            if error.code != _INDEX_BUILD_ABORTED or attempt == _ATTEMPTS:
                raise


async def drop_index(db: Db, collection: str, seen: IndexSpec) -> None:
    """Drop an index, unless since it was seen it has gone, or was replaced by another of its name."""
    if seen not in await ready_indexes(db, collection):
        return
    try:
        with unhurried():
            await db.command("dropIndexes", collection, index=seen.name, writeConcern={"w": "majority"})
    except OperationFailure as error:
        if error.code != _INDEX_NOT_FOUND:
            raise
