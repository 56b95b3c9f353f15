"""The embedded MongoDB: a real mongod, started, killed, orphaned and refused."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from crafter.core.config import ConfigurationError, load_settings
from crafter.core.database import client_options, describe_failure
from crafter.core.embedded import EmbeddedMongo
from crafter.core.embedded_files import DataDirLock, prepare_data_dir
from crafter.core.embedded_process import find_mongod, free_port
from crafter.core.errors import DatabaseUnavailable
from tests.database import NO_MONGOD, bare_mongod

Row = dict[str, Any]

needs_mongod = pytest.mark.skipif(find_mongod() is None, reason=NO_MONGOD)


@asynccontextmanager
async def embedded(data_dir: Path) -> AsyncIterator[EmbeddedMongo]:
    mongo = await EmbeddedMongo.start(data_dir)
    try:
        yield mongo
    finally:
        await mongo.stop()


def client_of(mongo: EmbeddedMongo) -> AsyncMongoClient[Row]:
    return AsyncMongoClient(mongo.uri, **client_options(load_settings({})))


def server_pid(data_dir: Path) -> int:
    """The process of the server, as it writes it down itself."""
    return int((data_dir / "mongodb" / "mongod.lock").read_text())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def seen(logs: list[Any], event: str, times: int = 1) -> None:
    """Wait until an event has been logged."""
    async with asyncio.timeout(30):
        while sum(line["event"] == event for line in logs) < times:
            await asyncio.sleep(0.01)


# As it should be


@needs_mongod
async def test_it_is_a_private_replica_set_on_loopback_without_scripting(tmp_path: Path) -> None:
    async with embedded(tmp_path / "data") as mongo, client_of(mongo) as client:
        hello = await client.admin.command("hello", compression=["zlib"])
        options = await client.admin.command("getCmdLineOpts")
        with pytest.raises(OperationFailure):
            await client.crafter.rows.find_one({"$where": "true"})
        session = os.getsid(server_pid(tmp_path / "data"))

    assert hello["isWritablePrimary"]
    assert hello["hosts"] == [mongo.uri.partition("://")[2].partition("/")[0]]
    assert "compression" not in hello
    assert options["parsed"]["net"]["bindIp"] == "127.0.0.1"
    assert session != os.getsid(0)  # a Ctrl-C in the terminal must not reach it


@needs_mongod
async def test_everything_it_writes_is_for_its_user_only(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "data"
    async with embedded(data_dir):
        assert mode_of(data_dir) == 0o700
        assert mode_of(data_dir / "mongodb") == 0o700
        assert mode_of(data_dir / "mongod.log") == 0o600
        assert mode_of(data_dir / "crafter.lock") == 0o600
        assert (data_dir / "crafter.lock").read_text().strip() == str(os.getpid())


@needs_mongod
async def test_stopping_ends_the_server_in_order_and_frees_the_directory(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    mongo = await EmbeddedMongo.start(data_dir)
    pid = server_pid(data_dir)

    await mongo.stop()
    await mongo.stop()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert (data_dir / "mongodb" / "mongod.lock").read_text() == ""  # mongod empties it in a clean shutdown
    DataDirLock.acquire(data_dir).release()


@needs_mongod
async def test_data_survives_a_restart_on_another_port(tmp_path: Path) -> None:
    async with embedded(tmp_path) as mongo, client_of(mongo) as client:
        await client.crafter.rows.insert_one({"_id": 1})
        first = mongo.uri
    async with listening_on(port_of(first)), embedded(tmp_path) as mongo, client_of(mongo) as client:
        assert mongo.uri != first
        assert await client.crafter.rows.find_one({}) == {"_id": 1}
        await client.crafter.rows.insert_one({"_id": 2})


def port_of(uri: str) -> int:
    return int(uri.partition("://")[2].partition("/")[0].rpartition(":")[2])


@asynccontextmanager
async def listening_on(port: int) -> AsyncIterator[None]:
    """A server of another kind, which has taken a port."""

    def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", port):
        yield


@needs_mongod
async def test_a_clash_of_ports_is_solved_by_another_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as free:
        ports = [taken.getsockname()[1], free.getsockname()[1]]
        free.close()
        monkeypatch.setattr("crafter.core.embedded.free_port", lambda: ports.pop(0))

        async with embedded(tmp_path) as mongo, client_of(mongo) as client:
            assert await client.admin.command("ping")
            assert ports == []


@needs_mongod
async def test_another_crafter_that_got_the_port_first_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with embedded(tmp_path / "other") as other, client_of(other) as client:
        config = await client.admin.command("replSetGetConfig")
        ports = iter([port_of(other.uri)])
        monkeypatch.setattr("crafter.core.embedded.free_port", lambda: next(ports, None) or free_port())

        async with embedded(tmp_path / "ours") as ours:
            assert ours.uri != other.uri

        assert (await client.admin.command("replSetGetConfig"))["config"] == config["config"]


@needs_mongod
async def test_its_log_is_begun_anew_before_it_gets_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crafter.core.embedded_process.LOG_BYTES", 5_000)
    monkeypatch.setattr("crafter.core.embedded._LOOK_AFTER_SECONDS", 0.05)
    log = tmp_path / "mongod.log"

    async with embedded(tmp_path) as mongo, client_of(mongo) as client:
        async with asyncio.timeout(20):
            while not (tmp_path / "mongod.log.1").exists():
                await asyncio.sleep(0.01)
        monkeypatch.undo()
        await client.admin.command("setParameter", 1, logLevel=1)  # a line in the log, whichever file that is
        async with asyncio.timeout(20):
            while not log.exists() or not log.stat().st_size:
                await asyncio.sleep(0.01)

    assert mode_of(log) == 0o600


@needs_mongod
async def test_nothing_of_the_data_gets_into_its_log(tmp_path: Path) -> None:
    canary = "canary-5f1c"
    async with embedded(tmp_path) as mongo, client_of(mongo) as client:
        rows = client.crafter.rows
        await rows.insert_many([{"text": canary, "n": n} for n in range(20_000)])
        slow: list[Row] = [{"$match": {"text": canary}}, {"$sort": {"text": 1, "n": -1}}, {"$count": canary}]
        await rows.aggregate(slow)

    assert canary not in (tmp_path / "mongod.log").read_text()


# Faults


class Writers:
    """Tasks that write numbers all the time, and remember which were acknowledged."""

    def __init__(self, client: AsyncMongoClient[Row]) -> None:
        self.acknowledged: set[str] = set()
        self.stopped = False
        self.failures: list[PyMongoError] = []
        self._rows = client.crafter.rows
        self._tasks = [asyncio.create_task(self._write(writer)) for writer in range(20)]

    async def _write(self, writer: int) -> None:
        number = 0
        while not self.stopped:
            key = f"{writer}:{number}"
            try:
                await self._rows.insert_one({"_id": key})
            except PyMongoError as error:
                self.failures.append(error)
            else:
                self.acknowledged.add(key)
            number += 1

    async def progress(self, count: int) -> None:
        """Wait for so many more acknowledgements."""
        goal = len(self.acknowledged) + count
        async with asyncio.timeout(30):
            while len(self.acknowledged) < goal:
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self.stopped = True
        await asyncio.wait(self._tasks)


@needs_mongod
@pytest.mark.faults
@pytest.mark.slow
async def test_a_killed_server_is_restarted_and_has_all_acknowledged_writes(tmp_path: Path) -> None:
    rounds = 4
    with structlog.testing.capture_logs() as logs:
        async with embedded(tmp_path) as mongo, client_of(mongo) as client:
            uri = mongo.uri
            writers = Writers(client)
            for killed in range(1, rounds + 1):
                await writers.progress(300)
                os.kill(server_pid(tmp_path), signal.SIGKILL)
                await seen(logs, "embedded_database_restarted", killed)
            await writers.progress(100)
            await writers.stop()
            stored = {row["_id"] async for row in client.crafter.rows.find({})}

            assert mongo.uri == uri

    # The driver repeats what was under way, except now and then what it sent just when it noticed the end.
    assert {type(describe_failure(failure)) for failure in writers.failures} <= {DatabaseUnavailable}
    assert len(writers.failures) < rounds * 20
    assert len(writers.acknowledged) > rounds * 300
    assert writers.acknowledged <= stored
    died = [line["reason"] for line in logs if line["event"] == "embedded_database_died"]
    assert died == ["it was ended from outside, by SIGKILL"] * rounds


@needs_mongod
@pytest.mark.faults
async def test_a_server_that_cannot_come_back_is_tried_again_until_it_does(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        async with embedded(tmp_path) as mongo, client_of(mongo) as client:
            await client.crafter.rows.insert_one({"_id": 1})
            (tmp_path / "mongodb").rename(tmp_path / "away")
            (tmp_path / "mongodb").write_text("in the way")
            os.kill(int((tmp_path / "away" / "mongod.lock").read_text()), signal.SIGKILL)
            await seen(logs, "embedded_database_not_restarted", 2)
            (tmp_path / "mongodb").unlink()
            (tmp_path / "away").rename(tmp_path / "mongodb")
            await seen(logs, "embedded_database_restarted")

            assert await client.crafter.rows.find_one({}) == {"_id": 1}

    pauses = [line["after_seconds"] for line in logs if line["event"] == "embedded_database_not_restarted"]
    assert pauses == sorted(set(pauses))
    assert "cannot be used: File exists" in next(
        line["reason"] for line in logs if "not_restarted" in line["event"]
    )


@needs_mongod
@pytest.mark.faults
async def test_stopping_while_it_is_being_restarted_leaves_no_server_behind(tmp_path: Path) -> None:
    mongo = await EmbeddedMongo.start(tmp_path)
    with structlog.testing.capture_logs() as logs:
        os.kill(server_pid(tmp_path), signal.SIGKILL)
        await seen(logs, "embedded_database_died")
        await mongo.stop()

    async with embedded(tmp_path):
        assert "embedded_database_orphan" not in {line["event"] for line in logs}


# Two at once, and what a killed one leaves


HOLDER = """
import asyncio, sys
from pathlib import Path
from crafter.core.embedded import EmbeddedMongo

async def main():
    mongo = await EmbeddedMongo.start(Path(sys.argv[1]))
    print(mongo.uri, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def other_crafter(data_dir: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process with an embedded database; killed at the end, if it has not been before."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, data_dir, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@needs_mongod
@pytest.mark.faults
async def test_a_second_crafter_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    async with other_crafter(tmp_path) as other:
        with pytest.raises(ConfigurationError) as refused:
            await EmbeddedMongo.start(tmp_path)

    (sentence,) = refused.value.problems
    assert f"process {other.pid}" in sentence
    assert "CRAFTER_DATA_DIR" in sentence


async def test_whoever_has_the_directory_is_named_without_being_looked_for(tmp_path: Path) -> None:
    lock = DataDirLock.acquire(tmp_path)
    (tmp_path / "crafter.lock").write_text("1\n")  # a process that we might not be allowed to signal

    with pytest.raises(ConfigurationError, match=r"process 1\)"):
        DataDirLock.acquire(tmp_path)

    lock.release()


@needs_mongod
@pytest.mark.faults
async def test_a_killed_crafter_takes_its_server_with_it_and_loses_nothing(tmp_path: Path) -> None:
    async with other_crafter(tmp_path) as other:
        os.kill(other.pid, signal.SIGKILL)

    with structlog.testing.capture_logs() as logs:
        async with embedded(tmp_path) as mongo, client_of(mongo) as client:
            assert await client.admin.command("ping")

    if (
        sys.platform == "linux"
    ):  # the order came from the system, so the server is at most still on its way out
        assert {line["sent"] for line in logs if line["event"] == "embedded_database_orphan"} <= {"SIGTERM"}


@needs_mongod
@pytest.mark.faults
async def test_after_crafter_and_server_were_killed_at_once_all_is_there(tmp_path: Path) -> None:
    async with embedded(tmp_path) as mongo, client_of(mongo) as client:
        await client.crafter.rows.insert_one({"_id": 1})
    async with other_crafter(tmp_path) as other:
        os.kill(server_pid(tmp_path), signal.SIGSTOP)
        os.kill(other.pid, signal.SIGKILL)
        os.kill(server_pid(tmp_path), signal.SIGKILL)

    async with embedded(tmp_path) as mongo, client_of(mongo) as client:
        assert await client.crafter.rows.find_one({}) == {"_id": 1}


@needs_mongod
@pytest.mark.faults
@pytest.mark.parametrize("hung", [False, True])
async def test_a_server_that_outlived_its_crafter_is_ended_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hung: bool
) -> None:
    monkeypatch.setattr("crafter.core.embedded_orphan.STOP_SECONDS", 1.0 if hung else 20.0)
    async with embedded(tmp_path) as mongo, client_of(mongo) as client:
        await client.crafter.rows.insert_one({"_id": 1})

    async with bare_mongod(tmp_path / "mongodb", "--replSet", "crafter") as orphan:
        if hung:
            orphan.process.send_signal(signal.SIGSTOP)
        with structlog.testing.capture_logs() as logs:
            async with embedded(tmp_path) as mongo, client_of(mongo) as client:
                assert await client.crafter.rows.find_one({}) == {"_id": 1}
        await orphan.process.wait()

    told = [line for line in logs if line["event"] == "embedded_database_orphan"]
    assert [line["sent"] for line in told] == (["SIGTERM", "SIGKILL"] if hung else ["SIGTERM"])
    assert {line["pid"] for line in told} == {orphan.process.pid}


@needs_mongod
async def test_the_process_id_of_a_server_that_is_gone_is_never_signalled(tmp_path: Path) -> None:
    async with embedded(tmp_path):
        pass
    bystander = subprocess.Popen(["sleep", "60"])
    (tmp_path / "mongodb" / "mongod.lock").write_text(f"{bystander.pid}\n")

    async with embedded(tmp_path):
        assert bystander.poll() is None

    bystander.kill()
    bystander.wait()


# What is said when it does not start


def fake_mongod(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a mongod that does this first on PATH; ``$log`` is its log file."""
    folder.mkdir()
    program = folder / "mongod"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


LOADER = "mongod: error while loading shared libraries: {}: cannot open shared object file: No such file or directory"
DISK_FULL = (
    r'{"t":{},"s":"E","c":"WT","id":22435,"msg":"WiredTiger error message","attr":{"error":28,"message":'
    r'{"msg":"__posix_file_write","error_str":"No space left on device","error_code":28}}}\n'
    r'{"t":{},"s":"F","c":"-","id":23091,"msg":"Fatal assertion","attr":{"msgid":50853}}\n'
    r'{"t":{},"s":"F","c":"-","id":23092,"msg":"\\n\\n***aborting after fassert() failure\\n\\n"}\n'
)
LISTENER = (
    r'{"t":{},"s":"E","c":"CONTROL","id":20568,"msg":"Error setting up listener","attr":{"error":'
    r'{"code":9001,"codeName":"SocketException","errmsg":"Address already in use"}}}\n'
)
READ_ONLY = (
    r'{"t":{},"s":"E","c":"CONTROL","id":20557,"msg":"DBException in initAndListen, terminating","attr":{"error":'
    r'"IllegalOperation: Attempted to create a lock file on a read-only directory: /data"}}\n'
)
TO_LOG = '#!/bin/sh\nwhile [ "$1" != --logpath ]; do shift; done\nprintf \'{}\' >> "$2"\nexit {}\n'


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (f"#!/bin/sh\necho '{LOADER.format('libcurl.so.4')}' >&2\nexit 127\n", r"libcurl\.so\.4: .* libcurl4\)"),
        (f"#!/bin/sh\necho '{LOADER.format('libcrypto.so.3')}' >&2\nexit 127\n", r"libcrypto\.so\.3: .* libssl3\)"),
        (
            "#!/bin/sh\necho 'Error loading shared library libodd.so.9: No such file' >&2\nexit 127\n",
            r"needs the library libodd\.so\.9: install it, or set MONGODB_URI",
        ),
        ("\x7fELF is not what this is", r"cannot be run here \(.+\)\. Set MONGODB_URI, or run `docker compose up -d`"),
        ("#!/nowhere/sh\n", r"cannot be run here \(No such file or directory\)"),
        (TO_LOG.format(DISK_FULL, 14), "did not start: WiredTiger error message: No space left on device"),
        (TO_LOG.format(READ_ONLY, 100), "did not start: .*read-only directory: /data"),
        (TO_LOG.format(LISTENER, 48), "did not start: Error setting up listener: Address already in use"),
        ("#!/bin/sh\necho 'Error parsing command line: unrecognised option'\nexit 2\n", "unrecognised option"),
        ("#!/bin/sh\nexit 3\n", "did not start: it ended with code 3"),
        ("#!/bin/sh\nkill -9 $$\n", "did not start: it was ended from outside, by SIGKILL"),
    ],
    ids=[
        "libcurl", "libcrypto", "unknown library", "other machine", "other libc", "disk full", "read-only",
        "every port taken", "option", "silent", "killed",
    ],
)  # fmt: skip
async def test_a_server_that_does_not_start_says_why_and_frees_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, sentence: str
) -> None:
    fake_mongod(tmp_path / "bin", script, monkeypatch)
    data_dir = tmp_path / "data"

    with pytest.raises(ConfigurationError, match=sentence) as failed:
        await EmbeddedMongo.start(data_dir)

    assert len(failed.value.problems) == 1
    DataDirLock.acquire(data_dir).release()


async def test_the_reason_is_never_one_of_an_earlier_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_mongod(tmp_path / "bin", "#!/bin/sh\nexit 3\n", monkeypatch)
    prepare_data_dir(tmp_path / "data")
    (tmp_path / "data" / "mongod.log").write_text('{"s":"E","msg":"yesterday"}\n')

    with pytest.raises(ConfigurationError, match="it ended with code 3"):
        await EmbeddedMongo.start(tmp_path / "data")


async def test_a_server_that_never_gets_ready_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crafter.core.embedded_process.READY_SECONDS", 0.3)
    fake_mongod(tmp_path / "bin", "#!/bin/sh\necho $$ > $0.pid\nexec sleep 60\n", monkeypatch)

    with pytest.raises(ConfigurationError, match=r"is not ready after 0\.3 s"):
        await EmbeddedMongo.start(tmp_path / "data")

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "bin" / "mongod.pid").read_text()), 0)


async def test_without_a_program_the_sentence_says_what_else_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crafter.core.embedded.find_mongod", lambda: None)

    with pytest.raises(ConfigurationError, match=r"Set MONGODB_URI, or run `docker compose up -d`\."):
        await EmbeddedMongo.start(tmp_path)


def test_the_program_on_the_path_goes_before_the_one_in_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_wheel = find_mongod()
    fake_mongod(tmp_path / "bin", "#!/bin/sh\n", monkeypatch)

    assert find_mongod() == tmp_path / "bin" / "mongod" != in_wheel


@needs_mongod
def test_looking_for_the_program_imports_nothing_of_the_wheel() -> None:
    code = "import sys, crafter.core.embedded_process as p; p.find_mongod(); print('fiftyone' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


# The data directory


def test_an_empty_directory_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)

    assert prepare_data_dir(tmp_path / "data") == tmp_path / "data"
    assert mode_of(tmp_path / "data") == 0o700


def test_a_directory_that_others_use_is_not_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    (tmp_path / "shared" / "theirs").touch()

    with pytest.raises(ConfigurationError, match="has other files, open to other users"):
        prepare_data_dir(tmp_path / "shared")

    assert mode_of(tmp_path / "shared") == 0o755


def test_a_file_in_the_place_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()

    with pytest.raises(ConfigurationError, match="data cannot be used: File exists"):
        prepare_data_dir(tmp_path / "data")
