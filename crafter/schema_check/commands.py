"""``crafter check``: parse, call one function, print."""

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from crafter.command_line import Json, print_json, with_database
from crafter.core.config import Settings
from crafter.core.database import Database
from crafter.documents import ALL_DOCUMENTS
from crafter.schema_check.checker import CollectionReport, check


def check_documents(
    collection: Annotated[
        list[str] | None, typer.Option(help="Look through this collection only; may be repeated.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="Documents to list per collection.")] = 100,
    as_json: Json = False,
) -> None:
    """Report stored documents that do not fit what this version declares, by id and field. Nothing is changed.

    They are served all the same, as far as they can be read. Mend them with a migration: crafter migrate new.
    Exits with 1 when there are any.
    """
    known = {str(model.Settings.name): model for model in ALL_DOCUMENTS}
    if unknown := sorted(set(collection or ()) - known.keys()):
        raise typer.BadParameter(f"there is no collection {unknown[0]}; there are {', '.join(sorted(known))}")
    chosen = [known[name] for name in collection or known]

    async def work(database: Database, _: Settings) -> list[CollectionReport]:
        return [report async for report in check(database.db, chosen, most=most, progress=_progress)]

    reports = with_database(work)
    if as_json:
        print_json([asdict(report) for report in reports])
    else:
        _print(reports)
    if any(report.violating for report in reports):
        raise typer.Exit(1)


def _progress(name: str, checked: int) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\r{name}: {checked}", err=True, nl=False)


def _print(reports: list[CollectionReport]) -> None:
    for report in reports:
        typer.echo(f"{report.name:<24}{report.checked:>10} checked{report.violating:>8} do not fit")
        for violation in report.violations:
            typer.echo(f"  {violation.id}  {', '.join(violation.fields)}")
        if left := report.violating - len(report.violations):
            typer.echo(f"  … and {left} more; see: --most")
