"""The ``crafter`` command: what it does to a database, what it prints, and with which code it ends."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from typer.main import get_command
from typer.testing import CliRunner

from crafter import __version__
from crafter.cli import cli
from tests.process.service import SECRETS, crafter

CANARY = "canary-d41d8cd98f00b204e9800998ecf8427e"


def command_names(group: Any, *path: str) -> Iterator[str]:
    """Every command and group, from the top."""
    yield " ".join(path)
    for name, command in getattr(group, "commands", {}).items():
        yield from command_names(command, *path, name)


COMMANDS = list(command_names(get_command(cli)))


@pytest.fixture
def on_database(own_uri: str) -> dict[str, str]:
    return {"MONGODB_URI": own_uri, **SECRETS}


def contents(uri: str) -> dict[str, list[Any]]:
    """Every document of every collection, and every index."""
    with MongoClient[dict[str, Any]](uri) as client:
        db = client.get_default_database()
        names = sorted(db.list_collection_names())
        return {
            name: [*db[name].find(sort=[("_id", 1)]), *sorted(db[name].index_information())] for name in names
        }


def documents(uri: str, collection: str) -> list[dict[str, Any]]:
    """Every document of a collection."""
    with MongoClient[dict[str, Any]](uri) as client:
        return list(client.get_default_database()[collection].find())


async def test_init_prepares_a_database_and_changes_nothing_the_second_time(
    tmp_path: Path, on_database: dict[str, str]
) -> None:
    first = await crafter(tmp_path, "init", "--json", **on_database)
    before = contents(on_database["MONGODB_URI"])
    second = await crafter(tmp_path, "init", "--json", **on_database)

    assert (first.code, second.code) == (0, 0)
    assert len(first.json()["indexes_created"]) > 10
    assert second.json() == {**first.json(), "indexes_created": []}
    assert contents(on_database["MONGODB_URI"]) == before


async def test_two_at_once_prepare_a_database_once(tmp_path: Path, on_database: dict[str, str]) -> None:
    runs = await asyncio.gather(*(crafter(tmp_path, "init", "--json", **on_database) for _ in range(2)))
    plan = await crafter(tmp_path, "indexes", "plan", "--json", **on_database)

    assert [(run.code, run.json()["indexes_missing"]) for run in runs] == [(0, [])] * 2
    assert plan.json()["pending"] == 0
    names = [provider["name"] for provider in documents(on_database["MONGODB_URI"], "providers")]
    assert len(names) == len(set(names)) > 0


async def test_init_works_on_the_embedded_database(tmp_path: Path) -> None:
    first = await crafter(tmp_path, "init", "--json")
    second = await crafter(tmp_path, "init")

    assert (first.code, second.code) == (0, 0)
    assert len(first.json()["indexes_created"]) > 10
    assert second.out == "The database is ready.\n"


async def test_seed_makes_one_demonstration_and_tells_its_password_once(
    tmp_path: Path, on_database: dict[str, str]
) -> None:
    first = await crafter(tmp_path, "seed", "--json", **on_database)
    before = contents(on_database["MONGODB_URI"])
    second = await crafter(tmp_path, "seed", "--json", **on_database)

    assert (first.code, second.code) == (0, 0)
    assert (first.json()["created"], second.json()["created"]) == (True, False)
    assert second.json() == {**first.json(), "created": False, "password": None}
    assert first.json()["password"] not in first.err + second.err
    assert contents(on_database["MONGODB_URI"]) == before


async def test_reset_asks_before_it_deletes(tmp_path: Path, on_database: dict[str, str]) -> None:
    uri = on_database["MONGODB_URI"]
    await crafter(tmp_path, "seed", **on_database)
    before = contents(uri)

    refused = await crafter(tmp_path, "reset", answer="n\n", **on_database)
    silent = await crafter(tmp_path, "reset", answer="", **on_database)
    kept = contents(uri)
    agreed = await crafter(tmp_path, "reset", answer="y\n", **on_database)

    assert refused.out.startswith("Delete everything in the database 'crafter_process_")
    assert [run.code for run in (refused, silent, agreed)] == [1, 1, 0]
    assert kept == before
    assert documents(uri, "users") == []


async def test_reset_does_not_ask_when_told_so_and_leaves_a_prepared_database(
    tmp_path: Path, on_database: dict[str, str]
) -> None:
    run = await crafter(tmp_path, "reset", "--yes", **on_database)
    again = await crafter(tmp_path, "init", "--json", **on_database)

    assert (run.code, run.out) == (0, "The database is empty and ready.\n")
    assert again.json()["indexes_created"] == []


async def test_production_is_neither_emptied_nor_filled_with_a_demonstration(
    tmp_path: Path, on_database: dict[str, str]
) -> None:
    in_production = {**on_database, "CRAFTER_ENV": "production"}
    reset, seed = await asyncio.gather(
        crafter(tmp_path, "reset", "--yes", **in_production), crafter(tmp_path, "seed", **in_production)
    )

    assert (reset.code, reset.err) == (2, "crafter: reset: refused in production\n")
    assert (seed.code, seed.err.startswith("crafter: seed: ")) == (2, True)
    assert contents(on_database["MONGODB_URI"]) == {}


@pytest.mark.parametrize("options", [(), ("--json",)])
async def test_the_settings_are_shown_without_their_secrets(tmp_path: Path, options: tuple[str, ...]) -> None:
    secrets = {
        "MONGODB_URI": f"mongodb://crafter:{CANARY}@127.0.0.1/crafter",
        "JWT_SECRET": CANARY,
        "ENCRYPTION_KEY": CANARY,
        "CRAFTER_RETIRED_ENCRYPTION_KEYS": f"{CANARY}-1,{CANARY}-2",
        "CRAFTER_METRICS_TOKEN": CANARY,
        "OPENAI_BASE_URL": f"https://gateway:{CANARY}@models.example.com/v1?key={CANARY}",
    }

    run = await crafter(tmp_path, "config", "show", *options, **secrets, PORT="4711")

    assert run.code == 0
    assert CANARY not in run.out + run.err
    assert "4711" in run.out
    assert "models.example.com" in run.out
    if options:
        shown = {row["variable"]: row["value"] for row in run.json()}
        assert {shown[name] for name in secrets if name != "OPENAI_BASE_URL"} == {"(set)"}


async def test_indexes_are_planned_applied_and_verified(tmp_path: Path, on_database: dict[str, str]) -> None:
    async def run(*arguments: str) -> tuple[int, Any]:
        finished = await crafter(tmp_path, "indexes", *arguments, "--json", **on_database)
        return finished.code, finished.json()

    planned, to_do = await run("plan")
    applied, done = await run("apply")
    planned_again, nothing = await run("plan")
    verified, verdict = await run("verify")

    assert (planned, applied, planned_again) == (1, 0, 0)
    assert verified == (0 if verdict["ok"] else 1)
    assert [query for query in verdict["queries"] if query["problem"]] == []
    assert to_do["pending"] == len(done["done"]) > 10
    assert (nothing["pending"], done["left"]) == (0, [])


async def test_the_version_is_told(tmp_path: Path) -> None:
    run = await crafter(tmp_path, "version")

    assert (run.code, run.out, run.err) == (0, f"{__version__}\n", "")


def test_the_version_is_told_to_programs() -> None:
    result = CliRunner().invoke(cli, ["version", "--json"])

    assert json.loads(result.output) == {"version": __version__}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(cli, [*command.split(), "--help"])

    assert result.exit_code == 0
    assert "Usage:" in result.output


@pytest.mark.parametrize("command", ["unknown", "serve --port http", "serve --workers 0", "reset now"])
def test_what_is_not_a_command_ends_with_code_2(command: str) -> None:
    assert CliRunner().invoke(cli, command.split()).exit_code == 2


async def test_providers_are_listed_for_people_and_for_programs(
    tmp_path: Path, on_database: dict[str, str]
) -> None:
    await crafter(tmp_path, "init", **on_database)

    table = await crafter(tmp_path, "list-providers", **on_database)
    listed = await crafter(tmp_path, "list-providers", "--json", **on_database)

    assert (table.code, listed.code) == (0, 0)
    assert [row["name"] for row in listed.json()] == ["anthropic", "deepseek", "google", "openai", "xai"]
    assert all(row["name"] in table.out for row in listed.json())


async def test_prices_are_imported_once_and_rows_that_cannot_be_are_named(
    tmp_path: Path, on_database: dict[str, str]
) -> None:
    as_csv, as_json = tmp_path / "prices.csv", tmp_path / "prices.json"
    as_csv.write_text(
        "provider,model,unit,tier,amount,effective_from,source\n"
        "Anthropic,claude-3.7-sonnet,input,,0.000003,2025-02-24T00:00:00Z,https://example.com\n"
        "Anthropic,claude-3.7-sonnet,output,,0.000015,2025-02-24T00:00:00Z,\n"
        "Anthropic,claude-3.7-sonnet,words,,-1,2025-02-24T00:00:00Z,\n"
    )
    good = {"provider": "anthropic", "model": "claude-3.7-sonnet", "effective_from": "2025-02-24T00:00:00Z"}
    as_json.write_text(json.dumps([{**good, "unit": "input", "amount": 0.000003}]))

    trial = await crafter(tmp_path, "prices", "import", str(as_csv), "--dry-run", **on_database)
    nothing = await crafter(tmp_path, "prices", "list", "--json", **on_database)
    first = await crafter(tmp_path, "prices", "import", str(as_csv), **on_database)
    again = await crafter(tmp_path, "prices", "import", str(as_json), "--json", **on_database)
    listed = await crafter(tmp_path, "prices", "list", "--json", **on_database)
    table = await crafter(tmp_path, "prices", "list", **on_database)

    assert (trial.code, first.code, again.code) == (1, 1, 0)
    assert nothing.json() == []
    refused = [line.split(":")[:2] for line in first.err.splitlines() if line.startswith("row ")]
    assert refused == [["row 3", " unit"], ["row 3", " amount"]]
    assert trial.out == "2 created, 1 invalid (nothing was stored)\n"
    assert first.out == "2 created, 1 invalid\n"
    assert again.json() == [{"number": 1, "status": "unchanged", "problems": []}]
    assert [(row["unit"], row["amount"]) for row in listed.json()] == [
        ("input", "0.000003"),
        ("output", "0.000015"),
    ]
    assert "0.000003" in table.out


@pytest.mark.parametrize("text", ["{", "{}", "nothing"])
async def test_a_file_that_is_no_list_of_prices_ends_with_code_2(
    tmp_path: Path, on_database: dict[str, str], text: str
) -> None:
    file = tmp_path / "prices.json"
    file.write_text(text)

    run = await crafter(tmp_path, "prices", "import", str(file), **on_database)

    assert run.code == 2
