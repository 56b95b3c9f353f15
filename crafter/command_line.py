"""What the commands share: the settings, a database for the time of a command, JSON output."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from crafter.core.config import Settings, load_settings, unknown_variables
from crafter.core.database import Database
from crafter.core.logging import configure_logging
from crafter.deployment import open_deployment

T = TypeVar("T")

_WIDE = 1_000

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def read_settings(**overrides: Any) -> Settings:
    """The settings, with what the command line says; names variables that nothing reads."""
    settings = load_settings()
    for sentence in unknown_variables():
        typer.echo(f"crafter: {sentence}", err=True)
    return settings.model_copy(update={name: value for name, value in overrides.items() if value is not None})


def with_database(work: Callable[[Database, Settings], Awaitable[T]], settings: Settings | None = None) -> T:
    """Run something on the configured or embedded database, and close it again."""
    settings = settings or read_settings()
    configure_logging(settings)

    async def run() -> T:
        database = await deployment.connect()
        try:
            return await work(database, deployment.settings)
        finally:
            await database.close()

    with open_deployment(settings) as deployment:
        return asyncio.run(run())


def print_json(data: Any) -> None:
    """Data for other programs."""
    typer.echo(json.dumps(data, indent=2, default=str))


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Rows for people, with a cell for each column; where nobody looks, lines are as long as they have to be."""
    names = tuple(columns)
    table = Table(*names, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(cell for _, cell in zip(names, row, strict=True)))
    console = Console(highlight=False, markup=False)
    console.print(table, width=None if console.is_terminal else _WIDE, no_wrap=True)
