"""``crafter migrate``: parse, call one function, print."""

import re
from pathlib import Path
from typing import Annotated

import typer

from crafter.command_line import Json, print_json, with_database
from crafter.migrations import runner, versions
from crafter.migrations.registry import all_migrations

migrate_cli = typer.Typer(
    help="Change stored documents from one release to the next. Without a command: apply what is pending.",
    invoke_without_command=True,
)

_TEMPLATE = '''"""What this changes, and for which documents."""

from crafter.migrations.progress import Progress
from crafter.migrations.registry import Db


async def up(db: Db, progress: Progress) -> None:
    """Safe to repeat; goes on where it was interrupted."""


async def check(db: Db) -> list[str]:
    """What is still wrong afterwards."""
    return []
'''


@migrate_cli.callback()
def migrate(
    context: typer.Context,
    action: Annotated[str | None, typer.Option(help="revision: the same as the command new.")] = None,
    revision: Annotated[str | None, typer.Option(help="With --action revision: what it does.")] = None,
) -> None:
    """Apply what is pending, unless a command says otherwise."""
    if context.invoked_subcommand is not None:
        return
    if action is None:
        up()
    elif action == "revision" and revision:
        new(revision)
    else:
        raise typer.BadParameter("takes --action revision --revision NAME")


@migrate_cli.command()
def status(as_json: Json = False) -> None:
    """Every migration and where it stands: pending, running, applied, failed, changed, unknown."""
    found = with_database(lambda database, _: runner.status(database.db, all_migrations()))
    if as_json:
        print_json([entry.as_json() for entry in found])
        return
    for entry in found:
        counts = ", ".join(f"{name} {count}" for name, count in entry.counts.items())
        typer.echo(f"{entry.version}  {entry.state:<8}  {entry.name}" + (f"  ({counts})" if counts else ""))
        for problem in entry.problems:
            typer.echo(f"      {problem}")


@migrate_cli.command()
def up(
    to: Annotated[str | None, typer.Option(help="Stop after this version.")] = None, as_json: Json = False
) -> None:
    """Apply what is pending, in order. Safe to repeat, to interrupt, and to run twice at once."""
    applied = with_database(lambda database, _: runner.up(database.db, all_migrations(), target=to))
    if as_json:
        print_json({"applied": applied})
    else:
        typer.echo(f"Applied {', '.join(applied)}." if applied else "Nothing to do.")


@migrate_cli.command()
def down(
    have_backup: Annotated[
        bool,
        typer.Option(
            "--have-backup", help="Forget one that cannot be undone; a verified backup is restored."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Take the last applied migration back."""
    undone = with_database(
        lambda database, _: runner.down(database.db, all_migrations(), have_backup=have_backup)
    )
    if as_json:
        print_json({"undone": undone})
    else:
        typer.echo(f"Undone: {undone}." if undone else "Nothing to undo.")


@migrate_cli.command()
def history(as_json: Json = False) -> None:
    """Every run, with its counts and how long it took."""
    rows = with_database(lambda database, _: runner.history(database.db))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(
            f"{row['at']:%Y-%m-%d %H:%M:%S}  {row['version']} {row['direction']:<4}  {row['outcome']}  "
            f"{row['seconds']} s  {row['counts']}  by {row['by']}"
        )


@migrate_cli.command()
def new(name: Annotated[str, typer.Argument(help="What it does, in a few words.")]) -> None:
    """Write the module of a new migration into this checkout."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not slug:
        raise typer.BadParameter("say in words what the migration does")
    number = int(all_migrations()[-1].version) + 1
    path = Path(versions.__path__[0]) / f"m{number:04d}_{slug}.py"
    path.write_text(_TEMPLATE)
    typer.echo(path)
