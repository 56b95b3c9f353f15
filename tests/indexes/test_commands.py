"""``python -m indexes``, as an operator runs it."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crafter.core.embedded_files import DataDirLock, prepare_data_dir
from crafter.documents import ALL_DOCUMENTS
from indexes import sync
from indexes.server import Db
from tests.database import with_database

SECRETS = {
    "JWT_SECRET": "0123456789abcdef0123456789abcdef",
    "ENCRYPTION_KEY": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        answer: dict[str, Any] = json.loads(self.out)
        return answer


Run = Callable[..., Awaitable[Ended]]


async def indexes(*words: str, **environment: str) -> Ended:
    """Run the command with nothing but this environment."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "indexes", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={"PATH": os.environ.get("PATH", ""), "COLUMNS": "110", **environment},
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


@pytest.fixture
def run(db: Db, mongodb_uri: str) -> Run:
    """The command on the database of the test."""
    uri = with_database(mongodb_uri, db.name)

    async def on_database(*words: str) -> Ended:
        return await indexes(*words, MONGODB_URI=uri, **SECRETS)

    return on_database


async def test_plan_and_apply_agree_on_what_there_is_to_do(run: Run) -> None:
    before = await run("plan")
    assert before.code == 1
    assert "create    users.email_1 {email: 1} unique" in before.out

    applied = await run("apply")
    assert applied.code == 0
    assert "create    users.email_1 {email: 1} unique" in applied.err
    assert applied.out.endswith(" done, 0 left.\n")

    after = await run("plan")
    assert (after.code, after.out) == (0, "Nothing to do.\n")


async def test_json_is_one_object_on_standard_output(run: Run, db: Db) -> None:
    done = (await run("apply", "--json")).json
    assert done["done"][0]["action"] == "create collection"
    email = next(change for change in done["done"] if change["index"] == "email_1")
    assert (email["collection"], email["keys"], email["options"]) == (
        "users",
        [["email", 1]],
        {"unique": True},
    )
    assert (done["left"], done["sharded"]) == ([], [])

    await db.users.drop_index("email_1")
    planned = (await run("plan", "--json")).json
    assert (planned["pending"], [change["index"] for change in planned["changes"]]) == (1, ["email_1"])
    await db.users.create_index("email", unique=True)

    verified = await run("verify", "--json")
    assert verified.code == (0 if verified.json["ok"] else 1)
    assert {"rule": "12.51", "text": "users {email} unique", "indexes": ["email_1"], "problem": None} in (
        verified.json["rules"]
    )


async def test_verify_fails_before_the_indexes_are_applied(run: Run) -> None:
    ended = await run("verify")

    assert ended.code == 1
    assert "FAIL  12.51  users {email} unique: its query cannot be judged" in ended.out


async def test_verify_prints_how_to_shard(run: Run, db: Db) -> None:
    await sync.apply(db, ALL_DOCUMENTS)

    ended = await run("verify", "--shard")

    assert f'sh.shardCollection("{db.name}.projects", {{ "organization": 1 }}, false)' in ended.out


async def test_apply_refuses_to_shard_a_replica_set_and_does_nothing(run: Run, db: Db) -> None:
    ended = await run("apply", "--shard")

    assert ended.code == 1
    assert "This is a replica set, not a sharded cluster" in ended.err
    assert await db.list_collection_names() == []


async def test_duplicates_end_apply_with_their_ids_and_without_their_values(run: Run, db: Db) -> None:
    await db.users.insert_many([{"_id": name, "email": "anna@example.com"} for name in ("anna", "ann")])

    ended = await run("apply", "--json")

    assert ended.code == 1
    assert "users: the unique index email_1 cannot be built" in ended.json["error"]
    assert "anna, ann\n" in ended.json["error"]
    assert "example.com" not in ended.out + ended.err


async def test_apply_names_what_it_leaves_and_drops_it_when_told_to(run: Run, db: Db) -> None:
    await sync.apply(db, ALL_DOCUMENTS)
    await db.users.create_index("foreign")

    kept = await run("apply")
    assert kept.code == 0
    assert "left as it is without --drop: foreign   users.foreign_1 {foreign: 1}" in kept.out
    assert "foreign_1" in await db.users.index_information()

    assert (await run("plan")).code == 0
    assert (await run("plan", "--drop")).code == 1
    assert (await run("apply", "--drop")).code == 0
    assert "foreign_1" not in await db.users.index_information()


async def test_apply_fails_while_a_declared_index_differs(run: Run, db: Db) -> None:
    await db.users.create_index("email")

    ended = await run("apply")

    assert ended.code == 1
    assert "left as it is without --drop: recreate  users.email_1 {email: 1} unique" in ended.out


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"MONGODB_URI": "mongodb://anna:hunter2@[::1/crafter", **SECRETS}, id="no address"),
        pytest.param({"MONGODB_URI": "mongodb://anna:hunter2@localhost/crafter"}, id="no secrets"),
    ],
)
async def test_without_a_usable_database_the_command_says_so(environment: dict[str, str]) -> None:
    ended = await indexes("plan", **environment)

    assert ended.code == 3
    assert ended.err.strip()
    assert "Traceback" not in ended.err
    assert "hunter2" not in ended.out + ended.err


async def test_without_an_address_the_embedded_database_is_started_for_the_command(
    mongodb_uri: str, tmp_path: Path
) -> None:
    assert mongodb_uri  # where no server can be started, this test is skipped with the others

    ended = await indexes("plan", CRAFTER_DATA_DIR=str(tmp_path / "data"))

    assert ended.code == 1
    assert "create    users.email_1 {email: 1} unique" in ended.out


async def test_an_embedded_database_in_use_is_left_to_its_process(mongodb_uri: str, tmp_path: Path) -> None:
    prepare_data_dir(tmp_path / "data")
    lock = DataDirLock.acquire(tmp_path / "data")

    ended = await indexes("plan", CRAFTER_DATA_DIR=str(tmp_path / "data"))
    lock.release()

    assert ended.code == 3
    assert f"process {os.getpid()}" in ended.err
    assert "`crafter init` completes them" in ended.err


async def test_the_help_tells_the_exit_codes() -> None:
    ended = await indexes("--help")

    assert ended.code == 0
    assert "3  no database" in ended.out
