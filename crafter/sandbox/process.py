"""Starts the process that runs the code, and ends it."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crafter.sandbox.errors import CodeFailed, SandboxUnavailable
from crafter.sandbox.limits import Limits

AT_ONCE = 4
"""Runs of one process of ours at a time; further ones wait their turn."""

_START = "import sys; sys.path.append(sys.argv[1]); from crafter.sandbox.child import main; main()"
_ROOT = Path(__file__).parent.parent.parent
_READY = b"ready\n"
_LOG_SHOWN = 2_000
_PIECE = 64 * 1024
_GRACE_SECONDS = 5.0
"""For the interpreter to start, which a busy machine takes long for; the limits begin after that."""

_places = asyncio.Semaphore(AT_ONCE)


async def run_python(source: str, arguments: Mapping[str, Any], limits: Limits) -> bytes:
    """The JSON of what the code's ``run(arguments)`` returned; it was written by the code, so it may be anything.

    Raises CodeFailed, and SandboxUnavailable where the machine does not give the guarantees: nothing has run then.
    """
    if sys.platform != "linux":
        raise SandboxUnavailable("code runs on Linux only")
    job = {"source": source, "arguments": dict(arguments), "limits": limits.of_the_process()}
    async with _places:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", _START, str(_ROOT)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd="/",  # it can open no file, so it needs no place for files
            env={},
            start_new_session=True,
        )
        try:
            return await _communicate(process, json.dumps(job).encode(), limits)
        finally:
            await _end(process)


async def _communicate(process: Process, job: bytes, limits: Limits) -> bytes:
    assert process.stdin is not None
    process.stdin.write(job)
    process.stdin.close()
    try:
        async with asyncio.timeout(limits.wall_seconds + _GRACE_SECONDS):
            output, log = await asyncio.gather(
                _read(process, process.stdout, len(_READY) + limits.output_bytes),
                _read(process, process.stderr, limits.log_bytes),
            )
            status = await process.wait()
    except TimeoutError:
        raise _too_slow(limits) from None
    return _judged(status, output, log, limits)


async def _read(process: Process, pipe: asyncio.StreamReader | None, most: int) -> bytes:
    """What is written, to its end: whoever writes more than ``most`` bytes is ended, and the rest thrown away."""
    assert pipe is not None
    read = bytearray()
    while piece := await pipe.read(_PIECE):
        if len(read) <= most:
            read += piece
        else:
            _kill(process)
    return bytes(read)


async def _end(process: Process) -> None:
    """End the process, and whatever it may have begun; it counts as ended once its pipes are read to their end."""
    assert process.stdout is not None
    assert process.stderr is not None
    _kill(process)
    await asyncio.gather(process.stdout.read(), process.stderr.read())
    await process.wait()


def _kill(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _too_slow(limits: Limits, log: str = "") -> CodeFailed:
    return CodeFailed(f"The code took longer than {limits.wall_seconds:g} seconds", log)


def _judged(status: int, output: bytes, log: bytes, limits: Limits) -> bytes:
    shown = log.decode(errors="replace")[-_LOG_SHOWN:]
    if not output.startswith(_READY):
        raise SandboxUnavailable(shown.strip() or f"the process ended with {status}")
    if len(output) > len(_READY) + limits.output_bytes:
        raise CodeFailed(f"The code returned more than {limits.output_bytes} bytes")
    if len(log) > limits.log_bytes:
        raise CodeFailed(f"The code printed more than {limits.log_bytes} bytes", shown)
    if status == 0:
        return output.removeprefix(_READY)
    if status == -signal.SIGALRM:
        raise _too_slow(limits, shown)
    if status in (-signal.SIGKILL, -signal.SIGXCPU):
        raise CodeFailed(f"The code took more than {limits.cpu_seconds} seconds of computing", shown)
    raise CodeFailed("The code failed" if status == 1 else "The process of the code ended abruptly", shown)
