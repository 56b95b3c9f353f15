"""``crafter adopt``: parse, call one function, print."""

from typing import Annotated

import typer

from crafter.adoption.report import Report, examine
from crafter.command_line import Json, print_json, with_database
from crafter.core.config import Settings
from crafter.core.database import Database
from crafter.core.secrets import Keyring
from crafter.documents import ALL_DOCUMENTS


def adopt(
    check: Annotated[
        bool, typer.Option("--check", help="Report what is found. Nothing is changed by this command.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look through a database that LLM Crafter's Node server wrote: counts, unreadable secrets, orphans, duplicates.

    Exits with 1 when something needs your attention before you serve it.
    """
    if not check:
        raise typer.BadParameter(
            "takes --check; what it finds is then served as it is, and crafter migrate up completes it"
        )

    async def work(database: Database, settings: Settings) -> Report:
        return await examine(database.db, Keyring.from_settings(settings), ALL_DOCUMENTS)

    report = with_database(work)
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    if not report.clean:
        raise typer.Exit(1)


def _print(report: Report) -> None:
    typer.echo("Documents")
    for name, count in report.counts.items():
        typer.echo(f"  {name:<24}{count:>10}")
    if report.without_tenant:
        typer.echo(
            "Without an organization of their own (crafter migrate up fills it; they work before that)"
        )
        for name, count in report.without_tenant.items():
            typer.echo(f"  {name:<24}{count:>10}")
    for title, lines in (
        ("References that lead nowhere (shown as missing, never an error)", [*map(str, report.orphans)]),
        ("Secrets that ENCRYPTION_KEY does not open", [*map(str, report.unreadable)]),
        ("Duplicates that a unique index refuses", report.duplicates),
    ):
        if lines:
            typer.echo(title)
            for line in lines:
                typer.echo(f"  {line}")
    typer.echo("Ready to be served." if report.clean else "Mend the secrets and duplicates above first.")
