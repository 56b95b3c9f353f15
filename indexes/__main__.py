"""The commands about indexes: ``python -m indexes plan | apply | verify``, also ``crafter indexes``."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import typer
from pymongo.errors import ConnectionFailure, OperationFailure

from crafter.core.config import ConfigurationError, get_settings
from crafter.core.logging import configure_logging
from crafter.deployment import Deployment, open_deployment
from crafter.documents import ALL_DOCUMENTS
from indexes import sharding, sync, verification
from indexes.duplicates import DuplicatesFound
from indexes.server import Db
from indexes.sharding import Sharding, ShardingRefused
from indexes.sync import Change
from indexes.verification import QueryVerdict, RuleVerdict, Verification

T = TypeVar("T")

DIFFERENCES = 1
NO_DATABASE = 3

_EMBEDDED = (
    "\nWithout MONGODB_URI this is about the embedded database, which one process at a time can use. "
    "`crafter serve` creates its indexes when it is new, and `crafter init` completes them at any time."
)

cli = typer.Typer(
    name="indexes",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="""Compare the indexes that the documents declare with those of the database, and close the gap.

    The service takes no traffic while a unique index is missing. Run apply with each release, before the
    service starts; it may be repeated, and run while the service is at work.

    \b
    Exit codes:
      0  nothing to do, everything done, or everything verified
      1  differences, failed checks, or something that the server refused
      2  the command was not understood
      3  no database: the settings are not valid, or nothing answers there

    The database is that of MONGODB_URI. Without it, the embedded one is started for as long as the command
    runs; while a service uses that one, stop the service first.
    """,
)

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]


@cli.command()
def plan(
    drop: Annotated[bool, typer.Option("--drop", help="Count foreign indexes as differences.")] = False,
    as_json: Json = False,
) -> None:
    """Print what differs, and change nothing.

    \b
    create     declared, and not there
    recreate   there with other keys or options: apply --drop replaces it
    foreign    there, and declared by no document: apply --drop drops it, apply leaves it
    satisfied  there under another name, with options at least as strong; nothing to do

    Exit code 1 when the database lacks something that is declared.
    """
    changes = _run(lambda db: sync.plan(db, ALL_DOCUMENTS), as_json)
    pending = [change for change in changes if change.pending(drop=drop)]
    if as_json:
        _print_json({"pending": len(pending), "changes": [change.as_json() for change in changes]})
    else:
        _print_lines([*changes, f"{len(pending)} to do." if pending else "Nothing to do."])
    raise typer.Exit(DIFFERENCES if pending else 0)


@cli.command()
def apply(
    drop: Annotated[
        bool, typer.Option("--drop", help="Also replace indexes that differ, and drop foreign ones.")
    ] = False,
    shard: Annotated[
        bool, typer.Option("--shard", help="Then shard the collections; needs a mongos.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Create what is missing. Safe to run twice, twice at once, and under load.

    One index is built at a time, while readers and writers go on. Indexes are replaced or dropped only with
    --drop. Documents that violate a unique index are listed by their ids; that index is then not built, and
    nothing is dropped.
    """
    applied = _run(lambda db: _apply(db, drop=drop, shard=shard), as_json)
    if as_json:
        _print_json(applied.as_json())
    else:
        left = [f"left as it is without --drop: {change}" for change in applied.left]
        _print_lines([*left, f"{len(applied.done)} done, {len(applied.left)} left."])
    raise typer.Exit(DIFFERENCES if any(change.pending(drop=drop) for change in applied.left) else 0)


@cli.command()
def verify(
    shard: Annotated[
        bool, typer.Option("--shard", help="Also check the shard keys, and print how to apply them.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Replay every declared query with explain, without running it.

    Fails on a query that scans a collection or a whole index, or sorts in memory, and on a required index
    rule that no query stands for. With --shard, also on a large collection that cannot be sharded, and on a
    query that every shard would have to answer.
    """
    verdict, database = _run(_verify, as_json)
    shardings = sharding.shardings(ALL_DOCUMENTS) if shard else []
    if as_json:
        _print_json({**verdict.as_json(), "shardings": [each.as_json() for each in shardings]})
    else:
        _print_lines([*_verdict_lines(verdict), *_sharding_lines(shardings, database)])
    faults = not verdict.ok or any(each.problems for each in shardings)
    raise typer.Exit(DIFFERENCES if faults else 0)


@dataclass(frozen=True, slots=True)
class _Applied:
    """What was done, and which differences are left."""

    done: Sequence[Change]
    left: Sequence[Change]
    sharded: Sequence[Sharding]

    def as_json(self) -> dict[str, Any]:
        return {
            "done": [change.as_json() for change in self.done],
            "left": [change.as_json() for change in self.left],
            "sharded": [each.as_json() for each in self.sharded],
        }


async def _apply(db: Db, *, drop: bool, shard: bool) -> _Applied:
    if shard:
        await sharding.require_mongos(db)
    done = await sync.apply(db, ALL_DOCUMENTS, drop=drop, progress=_tell)
    left = [change for change in await sync.plan(db, ALL_DOCUMENTS) if change.pending(drop=True)]
    sharded = await sharding.shard(db, ALL_DOCUMENTS, progress=_tell) if shard else []
    return _Applied(done, left, sharded)


async def _verify(db: Db) -> tuple[Verification, str]:
    return await verification.verify(db, ALL_DOCUMENTS), db.name


def _run(work: Callable[[Db], Awaitable[T]], as_json: bool) -> T:
    """Do something with the database; what goes wrong becomes a sentence and an exit code."""

    async def connected(deployment: Deployment) -> T:
        database = await deployment.connect()
        try:
            return await work(database.db)
        finally:
            await database.close()

    hint = ""
    try:
        settings = get_settings()
        configure_logging(settings)
        hint = _EMBEDDED if settings.embedded else ""
        with open_deployment(settings) as deployment:
            return asyncio.run(connected(deployment))
    except ConfigurationError as error:
        message, code = f"{error}{hint}", NO_DATABASE
    except ConnectionFailure:
        message, code = "The connection was lost. Run the command again, it goes on from there.", NO_DATABASE
    except (DuplicatesFound, ShardingRefused) as error:
        message, code = str(error), DIFFERENCES
    except OperationFailure as error:
        name = (error.details or {}).get("codeName") or f"code {error.code}"
        message, code = f"The server refused: {name}.", DIFFERENCES
    typer.echo(message, err=True)
    if as_json:
        _print_json({"error": message})
    raise typer.Exit(code)


def _tell(change: Change | Sharding) -> None:
    """Say what begins; on standard error, so that --json stays one object."""
    sentence = f"shard     {change.collection}" if isinstance(change, Sharding) else str(change)
    typer.echo(sentence, err=True)


def _print_json(answer: Mapping[str, Any]) -> None:
    typer.echo(json.dumps(answer, default=str, indent=2))


def _print_lines(lines: Sequence[object]) -> None:
    for line in lines:
        typer.echo(str(line))


def _verdict_lines(verdict: Verification) -> list[str]:
    queries = [
        _verdict_line(f"{each.query.collection}: {each.query.shape.name}", each) for each in verdict.queries
    ]
    rules = [_verdict_line(f"{each.rule.number}  {each.rule.text}", each) for each in verdict.rules]
    unused = [
        f"note  {each.collection}.{each.spec.name}: no declared query uses it" for each in verdict.unused
    ]
    return [*queries, *rules, *unused]


def _verdict_line(about: str, verdict: QueryVerdict | RuleVerdict) -> str:
    return (
        f"{'FAIL' if verdict.problem else 'ok  '}  {about}: {verdict.problem or ', '.join(verdict.indexes)}"
    )


def _sharding_lines(shardings: Sequence[Sharding], database: str) -> list[str]:
    lines = [f"FAIL  {problem}" for each in shardings for problem in each.problems]
    lines += [
        f"note  {each.collection} stays on one shard: {each.obstacles[0]}" for each in shardings if each.stays
    ]
    return [*lines, *(each.command(database) for each in shardings if each.ready)]


if __name__ == "__main__":
    cli(prog_name="python -m indexes")
