"""``crafter list-providers`` and ``crafter prices``: parse, call one function, print."""

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from crafter.command_line import Json, print_json, print_table, with_database
from crafter.core.money import as_text
from crafter.core.rows import RowResult
from crafter.core.time import wire_time
from crafter.edge.strict_json import InvalidJson, loads
from crafter.prices import service as price_service
from crafter.providers import service as provider_service
from crafter.providers.catalogue import DISPLAY_NAMES

prices_cli = typer.Typer(no_args_is_help=True, help="What models cost all organizations of the deployment.")


def list_providers(as_json: Json = False) -> None:
    """Every provider, how many models it offers; where it is called."""
    providers = with_database(lambda *_: provider_service.list_providers())
    rows = [
        {
            "name": provider.name,
            "display_name": provider.display_name or DISPLAY_NAMES.get(provider.name, provider.name),
            "models": len(provider.models),
            "retired_models": len(provider.retired_models),
            "api_base_url": provider.api_base_url,
        }
        for provider in providers
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("name", "called", "models", "retired", "address"),
        ([str(value) if value is not None else "(well-known)" for value in row.values()] for row in rows),
    )


@prices_cli.command("list")
def list_prices(as_json: Json = False) -> None:
    """Every stored price of the deployment; models without one cost what is known of them, see the documentation."""
    prices = with_database(lambda *_: price_service.list_system_prices())
    if as_json:
        print_json([price.model_dump(mode="json") for price in prices])
        return
    print_table(
        ("provider", "model", "unit", "tier", "USD", "from", "source"),
        (
            (
                price.provider,
                price.model,
                price.unit,
                price.tier,
                as_text(price.amount),
                wire_time(price.effective_from),
                price.source,
            )
            for price in prices
        ),
    )


@prices_cli.command("import")
def import_prices(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON, or CSV with a header.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look at the rows, store nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Add prices: rows of provider, model, unit, tier, amount, effective_from and source. Safe to repeat.

    Amounts are US dollars for one token or one request. Exits with 1 when a row is refused; the others are stored.
    """
    rows = _read(file)
    results = with_database(lambda *_: price_service.import_prices(None, rows, dry_run=dry_run))
    if as_json:
        print_json([result.as_dict() for result in results])
    else:
        _print(results, dry_run=dry_run)
    if any(result.problems for result in results):
        raise typer.Exit(1)


def _print(results: list[RowResult], *, dry_run: bool) -> None:
    for result in results:
        for problem in result.problems:
            typer.echo(f"row {result.number}: {problem}", err=True)
    counts = Counter(result.status for result in results)
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "no rows"
    typer.echo(f"{told} (nothing was stored)" if dry_run else told)


def _read(file: Path) -> list[Any]:
    """The rows of a file. Raises BadParameter."""
    try:
        if file.suffix.lower() == ".csv":
            text = io.StringIO(file.read_text(encoding="utf-8-sig"), newline="")
            return [
                {name: cell for name, cell in row.items() if cell}
                for row in csv.DictReader(text, strict=True)
            ]
        rows = loads(file.read_bytes())
    except (UnicodeDecodeError, csv.Error) as error:
        raise typer.BadParameter(f"{file.name} cannot be read: {error}") from None
    except InvalidJson as error:
        raise typer.BadParameter(f"{file.name}: {error.message}") from None
    if not isinstance(rows, list):
        raise typer.BadParameter(f"{file.name} must be a list of rows")
    return rows
