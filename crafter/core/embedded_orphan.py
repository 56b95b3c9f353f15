"""Ending a mongod that outlived the Crafter that started it, and still has the data open."""

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import structlog

from crafter.core.config import ConfigurationError
from crafter.core.embedded_files import try_lock, unusable
from crafter.core.embedded_process import STOP_SECONDS

_KILL_SECONDS = 5.0
_POLL_SECONDS = 0.05

log = structlog.get_logger("crafter.embedded")


async def stop_orphan(folder: Path) -> None:
    """Return when no mongod has this data folder open; one that has it is ended, if need be by force.

    To be called by the holder of the data directory, so nobody lives who needs that server.
    Raises ConfigurationError.
    """
    lock_file = folder / "mongod.lock"
    for order, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, _KILL_SECONDS)):
        if await _freed(lock_file, order, seconds):
            return
    raise ConfigurationError([f"A mongod that does not end has {folder} open (see {lock_file}): end it."])


async def _freed(lock_file: Path, order: signal.Signals, seconds: float) -> bool:
    """Whether the data is free within so many seconds; who has it open gets the order, once."""
    deadline = time.monotonic() + seconds
    told = False
    while not _is_free(lock_file):
        if time.monotonic() > deadline:
            return False
        if not told and (pid := _holder(lock_file)):
            told = True
            log.warning("embedded_database_orphan", pid=pid, sent=order.name)
            _send(pid, order, lock_file.parent)
        await asyncio.sleep(_POLL_SECONDS)
    return True


def _is_free(lock_file: Path) -> bool:
    """mongod keeps its lock file locked for as long as it lives; a file alone says nothing."""
    try:
        descriptor = os.open(lock_file, os.O_RDONLY)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise unusable(lock_file, error) from None
    try:
        return try_lock(descriptor)
    finally:
        os.close(descriptor)


def _holder(lock_file: Path) -> int | None:
    """The process that has the lock, once it has written its id; that of an earlier holder does not count."""
    with suppress(OSError, ValueError):
        pid = int(lock_file.read_text())
        command = Path(f"/proc/{pid}/cmdline")
        if sys.platform != "linux" or os.fsencode(lock_file.parent) in command.read_bytes().split(b"\0"):
            return pid
    return None


def _send(pid: int, order: signal.Signals, folder: Path) -> None:
    try:
        os.kill(pid, order)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise ConfigurationError([f"Process {pid} of another user has {folder} open: end it."]) from None
