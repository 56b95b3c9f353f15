"""Starting and stopping ``crafter serve``: what it says, what it refuses, and what stays behind."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import httpx2
import pytest

from crafter.cli import main
from crafter.core.embedded_process import free_port
from tests.database import bare_mongod
from tests.process.service import (
    SECRETS,
    Finished,
    crafter,
    environment,
    nobody_listens,
    serving,
    until,
)
from tests.process.tenant import settle

SECRET_WORD = "canary"
"""Part of every password that a refusal must not repeat."""


def sentence(run: Finished) -> str:
    """The one sentence with which a start was refused."""
    told = [line for line in run.err.splitlines() if not line.startswith("{")]
    assert len(told) == 1, run.err
    assert run.code == 2
    assert SECRET_WORD not in run.err + run.out
    assert "Traceback" not in run.err
    return told[0]


async def test_it_says_where_it_listens_and_where_the_data_is_and_keeps_others_away(tmp_path: Path) -> None:
    async with serving(tmp_path, "--port", "0") as service:
        listens, data = service.out.splitlines()
        answer = httpx2.get(f"{listens.removeprefix('Crafter listens on ')}/health/ready")
        second = await crafter(tmp_path, "serve", "--port", "0")

        assert answer.json()["status"] == "ok"
        assert not listens.endswith(":0")
        assert data == f"Data is in {tmp_path / 'data'} (embedded MongoDB: for trying out and for tests)"
        assert f"process {service.process.pid}" in sentence(second)
        assert str(service.data_dir) in sentence(second)


async def test_of_a_database_it_only_shows_the_hosts(tmp_path: Path, on_server: dict[str, str]) -> None:
    async with serving(tmp_path, **on_server) as service:
        assert "crafter_process" not in service.out
        assert service.out.splitlines()[1].startswith("Data is in the MongoDB at 127.0.0.1:")


async def test_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        async with service.client() as client:
            tenant = await settle(client)
        await service.stop()
        await service.start()
        async with service.client(headers=tenant.headers) as client:
            found = await client.get(f"{tenant.home}/agents/{tenant.agent}")

        assert (found.status_code, found.json()["name"]) == (200, "helper")


async def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        run = await crafter(tmp_path, "serve", "--port", port)

    assert sentence(run) == f"crafter: cannot listen on 127.0.0.1:{port}: Address already in use"


@pytest.mark.parametrize(
    ("named", "variables"),
    [
        ("JWT_SECRET", {"JWT_SECRET": ""}),
        ("MONGODB_URI", {"MONGODB_URI": "mongodb://user:can@ary@127.0.0.1/crafter"}),
        ("MONGODB_URI", {"CRAFTER_ENV": "production"}),
        ("CRAFTER_TRUSTED_PROXIES", {"CRAFTER_TRUSTED_PROXIES": "everyone"}),
    ],
)
async def test_a_start_that_cannot_work_or_is_not_safe_is_refused_in_one_sentence(
    tmp_path: Path, on_server: dict[str, str], named: str, variables: dict[str, str]
) -> None:
    run = await crafter(tmp_path, "serve", **{**on_server, "PORT": "0", **variables})

    assert named in sentence(run)


@pytest.mark.parametrize(
    ("named", "variables"),
    [
        ("ENCRYPTION_KEY", {"ENCRYPTION_KEY": ""}),
        ("JWT_SECRET", {"JWT_SECRET": "short-canary"}),
        ("MONGODB_URI", {"MONGODB_URI": "redis://user:canary@127.0.0.1/crafter"}),
        ("MONGODB_URI", {"MONGODB_URI": "", "CRAFTER_ENV": "production"}),
        ("JWT_SECRET", {"JWT_SECRET": "canary-secret-canary-secret-canary", "CRAFTER_ENV": "production"}),
        (
            "ENCRYPTION_KEY",
            {"ENCRYPTION_KEY": "canary-password-canary-password-", "CRAFTER_ENV": "production"},
        ),
        ("CRAFTER_ENV", {"CRAFTER_ENV": "staging"}),
        ("PORT", {"PORT": "http"}),
        ("CRAFTER_EGRESS_ALLOW", {"CRAFTER_EGRESS_ALLOW": "*"}),
    ],
)
def test_settings_that_are_wrong_or_not_safe_are_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    named: str,
    variables: dict[str, str],
) -> None:
    """As above, but in this process: nothing has been started when these are refused."""
    good = {"MONGODB_URI": "mongodb://127.0.0.1/crafter", "PORT": "0", **SECRETS}
    monkeypatch.setattr(os, "environ", environment(tmp_path, **{**good, **variables}))
    monkeypatch.setattr(sys, "argv", ["crafter", "serve"])

    with pytest.raises(SystemExit) as ended:
        main()

    told = capsys.readouterr()
    assert named in sentence(Finished(int(ended.value.code or 0), told.out, told.err, 0))


async def test_a_database_that_is_not_there_is_named_before_long(tmp_path: Path) -> None:
    """Ten seconds on a quiet machine: eight of patience, and the start of a process."""
    address = f"127.0.0.1:{free_port()}"
    uri = f"mongodb://user:canary@{address}/crafter"

    run = await crafter(tmp_path, "serve", MONGODB_URI=uri, PORT="0", **SECRETS)

    assert address in sentence(run)
    assert "within 8 s" in sentence(run)


async def test_a_standalone_server_is_refused(tmp_path: Path) -> None:
    async with bare_mongod(tmp_path / "standalone") as mongod:
        variables = {"MONGODB_URI": f"mongodb://{mongod.address}/crafter", "PORT": "0", **SECRETS}
        runs = await asyncio.gather(
            *(
                crafter(tmp_path, "serve", CRAFTER_ENV=env, **variables)
                for env in ("development", "production")
            )
        )

    for run in runs:
        assert run.code == 2
        assert "MONGODB_URI" in run.err
        assert "--replSet" in run.err


async def test_a_variable_that_nothing_reads_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    run = await crafter(tmp_path, "config", "show", CRAFTER_LOG_LEVL="debug")

    assert run.err == "crafter: CRAFTER_LOG_LEVL is not a setting; did you mean CRAFTER_LOG_LEVEL?\n"


@pytest.mark.parametrize(
    ("order", "to_all", "workers"),
    [
        (signal.SIGTERM, False, "1"),
        (signal.SIGINT, True, "1"),
        (signal.SIGTERM, False, "2"),
        (signal.SIGINT, True, "2"),
    ],
)
async def test_a_signal_ends_it_with_code_0_and_everything_with_it(
    tmp_path: Path, order: signal.Signals, to_all: bool, workers: str
) -> None:
    async with serving(tmp_path, "--workers", workers) as service:
        async with service.client() as client:
            answers = await asyncio.gather(*(client.get("/auth/password-policy") for _ in range(20)))
        service.send(order, to_all=to_all)
        code = await service.ended()

        assert {answer.status_code for answer in answers} == {200}
        assert code == 0
        assert service.database_is_free()
        assert nobody_listens(service.url)
        assert "Traceback" not in service.log


@pytest.mark.faults
@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_killed_one_leaves_nothing_that_hinders_the_next(tmp_path: Path, workers: str) -> None:
    port = str(free_port())
    async with serving(tmp_path, "--port", port, "--workers", workers) as service:
        async with service.client() as client:
            tenant = await settle(client)
        await service.kill()
        await until(lambda: nobody_listens(service.url), seconds=10)
        await service.start()
        await service.ready()
        async with service.client(headers=tenant.headers) as client:
            found = await client.get(tenant.home)

        assert found.status_code == 200


async def test_two_workers_share_a_database_and_one_that_dies_is_replaced(
    tmp_path: Path, on_server: dict[str, str]
) -> None:
    async with serving(tmp_path, "--workers", "2", **on_server) as service:
        workers = {event["event"] for event in service.events if "Started server process" in event["event"]}
        async with service.client() as client:
            tenant = await settle(client)
        os.kill(worker_pids(workers)[0], signal.SIGKILL)
        await until(lambda: service.log.count("Application startup complete") == 3)
        async with service.client(headers=tenant.headers) as client:
            answers = await asyncio.gather(*(client.get(tenant.home) for _ in range(20)))
        code = await service.stop()

        assert len(workers) == 2
        assert {answer.status_code for answer in answers} == {200}
        assert code == 0


@pytest.mark.faults
async def test_a_signal_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await service.stop()
        await service.launch()
        await until(lambda: not service.database_is_free())
        code = await service.stop()

        assert code == 0
        await until(service.database_is_free)
        assert "Traceback" not in service.log


def worker_pids(events: set[str]) -> list[int]:
    """The processes that said that they started."""
    return [int(event.rpartition("[")[2].rstrip("]")) for event in events]
