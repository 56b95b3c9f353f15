"""Applies migrations and takes them back; what was done is kept in ``schema_migrations``."""

import getpass
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, Literal

import structlog

from crafter.core.errors import Conflict
from crafter.core.time import utc_now
from crafter.migrations.lock import locked
from crafter.migrations.progress import Progress
from crafter.migrations.registry import Db, Migration, Step

log = structlog.get_logger("crafter.migrations")

LOCK = "migrations"
State = Literal["pending", "running", "applied", "failed", "changed", "unknown"]


class MigrationFailed(Conflict):
    """A migration did not do what it should, or its check found something wrong."""

    code = "MIGRATION_FAILED"
    message = "The migration failed."


class CannotUndo(Conflict):
    """There is no way back from this migration but a backup."""

    code = "CANNOT_UNDO"
    message = "The migration cannot be undone."


@dataclass(frozen=True, slots=True)
class Status:
    """Where a migration stands: ``running`` is one that was interrupted, or runs elsewhere; ``changed`` was edited
    since it was applied; ``unknown`` was applied by another release."""

    version: str
    name: str
    state: State
    counts: dict[str, int]
    problems: list[str]

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


async def status(db: Db, migrations: Sequence[Migration]) -> list[Status]:
    """Every migration of this release, and those that the database knows beside them."""
    rows = {row["_id"]: row async for row in db.schema_migrations.find({})}
    known = [_status(migration, rows.pop(migration.version, None)) for migration in migrations]
    return known + [
        Status(row["_id"], row["name"], "unknown", row.get("counts", {}), []) for row in rows.values()
    ]


async def failures(db: Db, migrations: Sequence[Migration]) -> list[str]:
    """Why a service must not start on this database: migrations that failed."""
    return [
        f"migration {found.version} {found.name} has failed ({'; '.join(found.problems) or 'see the log'}); "
        "mend the cause, then run: crafter migrate up"
        for found in await status(db, migrations)
        if found.state == "failed"
    ]


async def up(db: Db, migrations: Sequence[Migration], *, target: str | None = None) -> list[str]:
    """Apply what is not applied yet, in order, up to ``target``; answers the versions that were applied.

    Of two runners one waits, and then finds nothing to do. Raises MigrationFailed; the later ones are not tried.
    """
    async with locked(db.locks, LOCK):
        applied = []
        for migration in migrations:
            if target is not None and migration.version > target:
                break
            row = await db.schema_migrations.find_one({"_id": migration.version})
            if row is None or row["state"] != "applied":
                await _apply(db, migration)
                applied.append(migration.version)
        return applied


async def down(db: Db, migrations: Sequence[Migration], *, have_backup: bool = False) -> str | None:
    """Take the last applied migration back; answers its version, or None when there is none.

    Raises CannotUndo for one without a way back, unless the caller has a backup and only wants it unmarked.
    """
    async with locked(db.locks, LOCK):
        for migration in reversed(migrations):
            if await db.schema_migrations.find_one({"_id": migration.version}) is None:
                continue
            if migration.down is not None:
                await _run(db, migration, migration.down, "down")
            elif not have_backup:
                raise CannotUndo(
                    f"{migration} cannot be undone. Restore a verified backup, then repeat with --have-backup."
                )
            await db.schema_migrations.delete_one({"_id": migration.version})
            return migration.version
        return None


async def history(db: Db) -> list[dict[str, Any]]:
    """Everything that was ever run, oldest first."""
    return await db.migration_history.find({}, {"_id": 0}, sort=[("at", 1)]).to_list()


def _status(migration: Migration, row: dict[str, Any] | None) -> Status:
    if row is None:
        return Status(migration.version, migration.name, "pending", {}, [])
    state: State = row["state"]
    if state == "applied" and row["checksum"] != migration.checksum:
        state = "changed"
    return Status(migration.version, migration.name, state, row.get("counts", {}), row.get("problems", []))


async def _apply(db: Db, migration: Migration) -> None:
    begun = {
        "name": migration.name,
        "checksum": migration.checksum,
        "state": "running",
        "started_at": utc_now(),
        "by": f"{getpass.getuser()}@{platform.node()}",
        "problems": [],
    }
    await db.schema_migrations.update_one({"_id": migration.version}, {"$set": begun}, upsert=True)
    counts, seconds = await _run(db, migration, migration.up, "up")
    problems = await migration.check(db)
    ended = {
        "state": "failed" if problems else "applied",
        "problems": problems,
        "counts": counts,
        "seconds": seconds,
        "applied_at": utc_now(),
    }
    await db.schema_migrations.update_one({"_id": migration.version}, {"$set": ended})
    if problems:
        log.error("migration_check_failed", version=migration.version, problems=problems)
        raise MigrationFailed(f"{migration}: " + "; ".join(problems))


async def _run(db: Db, migration: Migration, step: Step, direction: str) -> tuple[dict[str, int], float]:
    """Run one step, and keep a record of it whatever happens. Raises MigrationFailed."""

    async def store(counts: dict[str, int]) -> None:
        await db.schema_migrations.update_one({"_id": migration.version}, {"$set": {"counts": counts}})

    progress = Progress(migration.version, store)
    log.info("migration_started", version=migration.version, name=migration.name, direction=direction)
    started, outcome = perf_counter(), "done"
    try:
        await step(db, progress)
    except Exception as error:
        outcome = f"failed: {type(error).__name__}"
        failed = {"state": "failed", "problems": [f"{type(error).__name__}: {error}"]}
        await db.schema_migrations.update_one({"_id": migration.version}, {"$set": failed})
        raise MigrationFailed(f"{migration}: {error}") from error
    finally:
        seconds = round(perf_counter() - started, 3)
        await db.migration_history.insert_one(
            {
                "version": migration.version,
                "name": migration.name,
                "direction": direction,
                "outcome": outcome,
                "counts": progress.counts,
                "seconds": seconds,
                "at": utc_now(),
                "by": getpass.getuser(),
            }
        )
        log.info(
            "migration_ended",
            version=migration.version,
            direction=direction,
            outcome=outcome,
            seconds=seconds,
        )
    return progress.counts, seconds
