"""The first contact: which servers and connection strings are refused, and with which sentence."""

import asyncio
import secrets
import time
from pathlib import Path
from typing import Any

import pytest
import structlog
from pymongo import AsyncMongoClient

from crafter.core.config import ConfigurationError, Settings, load_settings
from crafter.core.database import Database
from crafter.core.database_checks import check_server
from tests.core.conftest import settings_with
from tests.database import BareMongod, bare_mongod

PASSWORD = "correct-horse-battery"
Row = dict[str, Any]


async def connect_and_close(uri: str, settings: Settings | None = None) -> None:
    database = await Database.connect(uri, settings or settings_with(), [])
    await database.close()


def production_settings(uri: str) -> Settings:
    return load_settings(
        {
            "CRAFTER_ENV": "production",
            "MONGODB_URI": uri,
            "JWT_SECRET": "9f8c7b6a" * 5,
            "ENCRYPTION_KEY": "00112233" * 8,
        }
    )


@pytest.mark.parametrize(
    "uri",
    [
        f"mongodb://anna:{PASSWORD}@/",
        f"mongodb://anna:{PASSWORD}",
        f"mongodb://anna:{PASSWORD}@h:port/",
        f"mongodb://anna:{PASSWORD}@h1@h2/",
        f"mongodb://anna:{PASSWORD}/x@h/",
        f"mongodb://anna:27017/{PASSWORD}@h/db",
        f"mongodb://anna:1?{PASSWORD}=x@h/",
        f"mongodb://anna:a@b/{PASSWORD}@h/",
        f"mongodb://anna:%zz{PASSWORD}@h/",
        f"mongodb://anna:{PASSWORD}@h/?tls=true&tlsCAFile=/nowhere/ca.pem",
        f"mongodb+srv://anna:{PASSWORD}@h:27017/",
    ],
)
async def test_a_malformed_connection_string_is_refused_without_quoting_it(uri: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        await Database.connect(uri, settings_with(), [])

    (sentence,) = refused.value.problems
    assert sentence.startswith("MONGODB_URI cannot be read")
    assert PASSWORD not in sentence
    assert "anna" not in sentence


async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


@pytest.mark.slow
async def test_first_contact_fails_within_ten_seconds_and_says_why_but_no_secret(
    mongodb_uri: str, tmp_path: Path
) -> None:
    address = mongodb_uri.partition("://")[2].partition("/")[0]
    silent = await asyncio.start_server(never_answer, "127.0.0.1", 0)
    silent_port = silent.sockets[0].getsockname()[1]
    expected = {
        "127.0.0.1:1": "connection refused",
        "nobody.invalid": "host name not found",
        f"{address}/?replicaSet=other": "is not a member of the replica set",
        f"{address}/?tls=true": "TLS handshake failed",
        f"127.0.0.1:{silent_port}": "no answer",
    }

    async def sentence(place: str) -> str:
        began = time.monotonic()
        with pytest.raises(ConfigurationError) as refused:
            await Database.connect(f"mongodb://anna:{PASSWORD}@{place}", settings_with(), [])
        assert time.monotonic() - began < 10
        return str(refused.value)

    sentences = await asyncio.gather(*map(sentence, expected))
    silent.close()

    for told, (place, reason) in zip(sentences, expected.items(), strict=True):
        assert reason in told
        assert place.partition("/")[0] in told
        assert PASSWORD not in told
        assert "anna" not in told


async def test_a_standalone_server_is_refused_with_the_way_out(tmp_path: Path, mongodb_uri: str) -> None:
    async with bare_mongod(tmp_path / "db") as server:
        with pytest.raises(ConfigurationError, match=r"standalone.*--replSet rs0.*rs\.initiate\(\)"):
            await connect_and_close(f"mongodb://{server.address}/")


async def test_a_replica_set_that_was_never_initiated_is_named_as_such(
    tmp_path: Path, mongodb_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crafter.core.database.FIRST_CONTACT_SECONDS", 2.0)
    async with bare_mongod(tmp_path / "db", "--replSet", "rs0") as server:
        with pytest.raises(ConfigurationError, match=r"not initiated: run rs\.initiate\(\)"):
            await connect_and_close(f"mongodb://{server.address}/")


async def test_a_replica_set_without_a_primary_is_named_as_such(
    tmp_path: Path, mongodb_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crafter.core.database.FIRST_CONTACT_SECONDS", 2.0)
    async with bare_mongod(tmp_path / "db", "--replSet", "rs0") as server:
        await server.initiate()
        async with AsyncMongoClient[Row](server.address, directConnection=True) as client:
            await client.admin.command("replSetStepDown", 60, force=True)
        with pytest.raises(ConfigurationError, match="has no primary at the moment"):
            await connect_and_close(f"mongodb://{server.address}/")


async def test_a_server_open_to_a_known_attack_is_reported_and_in_production_refused(
    tmp_path: Path, mongodb_uri: str
) -> None:
    async with bare_mongod(tmp_path / "db", "--replSet", "rs0") as server:
        await server.initiate()
        uri = f"mongodb://{server.address}/"
        version = await server_version(uri)
        if version > (6, 0, 26):
            pytest.skip("this mongod has the fix")

        with structlog.testing.capture_logs() as logs:
            await connect_and_close(uri)
        with pytest.raises(ConfigurationError) as refused:
            await connect_and_close(uri, production_settings(uri))

    told = [line for line in logs if line["event"] == "database_version_vulnerable"]
    assert [(line["log_level"], line["zlib"]) for line in told] == [("warning", True)]
    vulnerable, open_to_all = refused.value.problems
    assert "CVE-2025-14847" in vulnerable
    assert "lets anybody in" in open_to_all


async def server_version(uri: str) -> tuple[int, ...]:
    async with AsyncMongoClient[Row](uri) as client:
        return tuple((await client.server_info())["versionArray"][:3])


async def test_the_shared_server_is_not_attackable_and_only_mentioned_when_debugging(
    mongodb_uri: str,
) -> None:
    with structlog.testing.capture_logs() as logs:
        await connect_and_close(mongodb_uri)

    told = [line for line in logs if line["event"] == "database_version_vulnerable"]
    assert {line["log_level"] for line in told} <= {"debug"}


async def test_production_takes_a_server_with_authorization_and_only_with_its_password(
    tmp_path: Path, mongodb_uri: str
) -> None:
    key = tmp_path / "key"
    key.write_text(secrets.token_hex(32))
    key.chmod(0o600)
    options = ("--replSet", "rs0", "--keyFile", str(key), "--networkMessageCompressors", "disabled")
    async with bare_mongod(tmp_path / "db", *options) as server:
        await server.initiate()
        await create_user(server)
        right = f"mongodb://anna:{PASSWORD}@{server.address}/crafter?authSource=admin"
        wrong = f"mongodb://anna:not-{PASSWORD}@{server.address}/crafter?authSource=admin"
        direct = f"{right}&directConnection=true"
        nobody = f"mongodb://{server.address}/crafter"
        with structlog.testing.capture_logs() as logs:
            await connect_and_close(right, production_settings(right))
        sentences = []
        for uri in (wrong, direct, nobody):
            with pytest.raises(ConfigurationError) as refused:
                await connect_and_close(uri, production_settings(uri))
            sentences.append(str(refused.value))

    connected = next(line for line in logs if line["event"] == "database_connected")
    assert (connected["hosts"], connected["database"]) == (server.address, "crafter")
    assert "refuses this user" in sentences[0]
    assert "directConnection" in sentences[1]
    assert "refuses this user" in sentences[2]
    assert PASSWORD not in f"{sentences}{logs}"


async def create_user(server: BareMongod) -> None:
    """The first user of a server, made through its exception for localhost."""
    async with AsyncMongoClient[Row](server.address, directConnection=True) as client:
        await client.admin.command("createUser", "anna", pwd=PASSWORD, roles=["readWriteAnyDatabase"])


class StubClient:
    """A server of another version: as much of a client as the check uses."""

    def __init__(self, version: str, hello: Row, servers_are: str = "ReplicaSetWithPrimary") -> None:
        self.admin = self
        self.topology_description = type("Description", (), {"topology_type": servers_are})
        self._replies = {
            "hello": hello,
            "buildInfo": {"version": version, "versionArray": [*map(int, version.split(".")), 0]},
            "getDefaultRWConcern": {},
        }

    async def command(self, name: str, **_: Any) -> Row:
        return self._replies[name]


@pytest.mark.parametrize(
    ("version", "attackable"),
    [
        ("6.0.26", True),
        ("6.0.27", False),
        ("7.0.27", True),
        ("7.0.28", False),
        ("7.3.9", True),
        ("8.0.16", True),
        ("8.0.17", False),
        ("8.1.2", True),
        ("8.2.2", True),
        ("8.2.3", False),
        ("8.3.0", False),
        ("9.0.0", False),
    ],
)
async def test_each_series_has_its_first_release_that_is_not_attackable(
    version: str, attackable: bool
) -> None:
    client: Any = StubClient(version, {"setName": "rs0", "compression": ["zlib"]})

    with structlog.testing.capture_logs() as logs:
        assert await check_server(client, lambda: client, "h", settings_with()) == version

    assert bool(logs) is attackable


async def test_a_server_older_than_we_work_with_is_refused() -> None:
    client: Any = StubClient("5.0.32", {"setName": "rs0"})

    with pytest.raises(ConfigurationError, match=r"is version 5\.0\.32; the oldest that works is 6\.0"):
        await check_server(client, lambda: client, "h", settings_with())


async def test_a_router_of_a_sharded_cluster_is_taken() -> None:
    client: Any = StubClient("8.2.3", {"msg": "isdbgrid"}, "Sharded")

    assert await check_server(client, lambda: client, "h", settings_with()) == "8.2.3"


async def test_a_weak_default_of_the_server_is_reported(tmp_path: Path, mongodb_uri: str) -> None:
    async with bare_mongod(tmp_path / "db", "--replSet", "rs0") as server:
        await server.initiate()
        async with AsyncMongoClient[Row](server.address) as client:
            await client.admin.command("setDefaultRWConcern", 1, defaultWriteConcern={"w": 1})
        with structlog.testing.capture_logs() as logs:
            await connect_and_close(f"mongodb://{server.address}/")

    assert [line["w"] for line in logs if line["event"] == "database_default_write_concern_weak"] == [1]
