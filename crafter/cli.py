"""The ``crafter`` command: parse, call one function, print."""

import sys
from typing import Annotated

import typer
from pydantic import ValidationError

from crafter import __version__, bootstrap, serving
from crafter.adoption.commands import adopt
from crafter.command_line import Json, print_json, read_settings, with_database
from crafter.core.config import ConfigurationError, Settings, redacted
from crafter.core.database import Database
from crafter.core.errors import CrafterError
from crafter.core.logging import configure_logging
from crafter.migrations.commands import migrate_cli
from crafter.model_commands import list_providers, prices_cli
from crafter.schema_check.commands import check_documents
from indexes.__main__ import cli as indexes_cli
from indexes.duplicates import DuplicatesFound

BAD_CONFIGURATION = 2
FAILED = 1

cli = typer.Typer(
    name="crafter",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Crafter: an async, multi-tenant back end for teams that build with LLMs. "
    "Settings come from the environment; see: crafter config show.",
)
config_cli = typer.Typer(no_args_is_help=True, help="Look at the settings.")
cli.add_typer(config_cli, name="config")
cli.add_typer(indexes_cli, name="indexes")
cli.add_typer(migrate_cli, name="migrate")
cli.add_typer(prices_cli, name="prices")
cli.command()(adopt)
cli.command("check")(check_documents)
cli.command("list-providers")(list_providers)


def main() -> None:
    """Run the command; a configuration that cannot work ends with one sentence per problem and status 2."""
    try:
        cli()
    except ConfigurationError as error:
        for problem in error.problems:
            typer.echo(f"crafter: {problem}", err=True)
        sys.exit(BAD_CONFIGURATION)
    except (DuplicatesFound, CrafterError) as error:
        typer.echo(f"crafter: {error}", err=True)
        sys.exit(FAILED)


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one. [default: 3000]")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Server processes. [default: 1]")] = None,
) -> None:
    """Serve the API. Without MONGODB_URI a private MongoDB is started, and stopped with the service."""
    settings = read_settings(host=host, port=port, workers=workers)
    configure_logging(settings)
    serving.serve(settings, typer.echo)


@cli.command()
def init(as_json: Json = False) -> None:
    """Prepare the database: indexes, default providers, system tools. Safe to repeat."""
    done = with_database(lambda database, _: bootstrap.prepare(database, everything=True))
    if as_json:
        print_json({"indexes_created": done.indexes_created, "indexes_missing": done.indexes_missing})
        return
    for change in done.indexes_created:
        typer.echo(change)
    typer.echo("The database is ready.")


@cli.command()
def seed(
    as_json: Json = False,
    production: Annotated[bool, typer.Option("--production", help="Allow it in production.")] = False,
) -> None:
    """Make a demonstration account with an organization and a project. Safe to repeat."""
    settings = read_settings()
    if settings.production and not production:
        raise ConfigurationError(
            ["seed: makes a demonstration account; in production only with --production"]
        )

    async def work(database: Database, _: Settings) -> bootstrap.Demonstration:
        await bootstrap.prepare(database, everything=True)
        return await bootstrap.seed_demonstration()

    demo = with_database(work, settings)
    if as_json:
        print_json(demo.as_dict())
        return
    typer.echo(f"Account {demo.email}, organization {demo.organization}, project {demo.project}")
    typer.echo(
        f"Password (shown once): {demo.password}" if demo.password else "The account was there already."
    )


@cli.command()
def account(
    email: Annotated[str, typer.Argument(help="The address of the person.")],
    name: Annotated[str, typer.Option(help="What the person is called.", prompt=True)],
    password: Annotated[
        str,
        typer.Option(
            help="Asked for where it is not given; others may see what is given here.",
            prompt=True,
            confirmation_prompt=True,
            hide_input=True,
        ),
    ],
    as_json: Json = False,
) -> None:
    """Make an account. It is the way for operators (CRAFTER_OPERATORS), whose addresses nobody can register."""

    async def work(database: Database, _: Settings) -> str:
        await bootstrap.prepare(database, everything=False)
        return await bootstrap.make_account(email, name, password)

    try:
        user_id = with_database(work)
    except ValidationError as error:
        problems = [f"account: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise ConfigurationError(problems) from None
    if as_json:
        print_json({"id": user_id, "email": email})
    else:
        typer.echo(f"Account {email} is made.")


@cli.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete everything in the database and prepare it anew. Refused in production."""
    settings = read_settings()
    if settings.production:
        raise ConfigurationError(["reset: refused in production"])

    async def work(database: Database, _: Settings) -> None:
        if not yes:
            typer.confirm(f"Delete everything in the database {database.db.name!r}?", abort=True)
        await bootstrap.reset(database)

    with_database(work, settings)
    typer.echo("The database is empty and ready.")


@config_cli.command("show")
def show_config(as_json: Json = False) -> None:
    """Every setting with its value; secrets are only said to be set."""
    rows = redacted(read_settings())
    if as_json:
        print_json(rows)
        return
    for row in rows:
        value = "" if row["value"] in (None, [], {}) else row["value"]
        typer.echo(f"{row['variable']}={value}\n    {row['description']}")


@cli.command()
def version(as_json: Json = False) -> None:
    """The version of Crafter."""
    if as_json:
        print_json({"version": __version__})
    else:
        typer.echo(__version__)


if __name__ == "__main__":
    main()
