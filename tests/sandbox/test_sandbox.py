"""Code that we do not trust gets nothing but its arguments, and comes to nothing but a result."""

import asyncio
import json
import platform
import sys
import textwrap
from typing import Any

import pytest

from crafter.sandbox import lock, process
from crafter.sandbox.errors import CodeFailed, SandboxUnavailable
from crafter.sandbox.limits import Limits
from crafter.sandbox.process import run_python

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="code tools run on Linux only")

SHORT = Limits(cpu_seconds=1, wall_seconds=2.0)


async def run(body: str, arguments: dict[str, Any] | None = None) -> Any:
    """What a function ``run(arguments)`` with this body returns."""
    source = "def run(arguments):\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return json.loads(await run_python(source, arguments or {}, SHORT))


async def failure_of(source: str) -> CodeFailed:
    with pytest.raises(CodeFailed) as failure:
        await run_python(source, {}, SHORT)
    return failure.value


async def test_code_computes_with_its_arguments_and_the_modules_it_is_offered() -> None:
    body = """
        import datetime, decimal, json, math, random, re, statistics, urllib.parse, uuid
        random.random(), uuid.uuid4(), datetime.datetime.now()
        return {"mean": statistics.mean(arguments["numbers"]), "root": math.sqrt(16)}
    """

    assert await run(body, {"numbers": [1, 2, 6]}) == {"mean": 3, "root": 4.0}


@pytest.mark.parametrize(
    "body",
    [
        "return open('/proc/self/environ').read()",
        "return open('/etc/passwd').read()",
        "import os; return os.listdir('/')",
        "import os; return os.open('/', os.O_RDONLY)",
        "import os; return os.stat('/etc/passwd').st_size",
        "import os; return os.readlink('/proc/self/exe')",
        "open('/tmp/left-behind', 'w')",
        "import os; os.mkdir('/tmp/left-behind')",
        "import os; os.chdir('/tmp')",
        "import os; os.fork()",
        "import os; os.execv('/bin/sh', ['sh'])",
        "import os; os.posix_spawn('/bin/sh', ['sh'], {})",
        "import os; os.kill(os.getppid(), 9)",
        "import os; os.kill(1, 9)",
        "import os; os.pipe()",
        "import os; os.write(3, b'x')",
        "import os; os.read(0, 10)",
        "import os; os.dup(1)",
        "import sys; return sys.stdin.read()",
        "import time; time.sleep(60)",
    ],
)
async def test_the_kernel_refuses_whatever_leads_out(body: str) -> None:
    failure = await failure_of(f"def run(arguments):\n    {body}")

    assert "PermissionError" in failure.log or "OSError" in failure.log


@pytest.mark.parametrize(
    "module", ["socket", "_socket", "subprocess", "resource_", "asyncio", "crafter.core"]
)
async def test_nothing_can_be_imported_that_was_not_there_already(module: str) -> None:
    failure = await failure_of(f"import {module}\ndef run(arguments): return {{}}")

    assert "ModuleNotFoundError" in failure.log


async def test_no_thread_can_be_started() -> None:
    failure = await failure_of("import _thread\ndef run(arguments):\n    _thread.start_new_thread(print, ())")

    assert "can't start new thread" in failure.log


async def test_its_environment_and_its_arguments_hold_nothing_of_ours() -> None:
    body = """
        import os, sys
        return {"environment": dict(os.environ), "modules": [m for m in sys.modules if m.startswith("crafter")]}
    """

    seen = await run(body)

    assert {name for name in seen["environment"] if name != "LC_CTYPE"} == set()
    assert all(name in ("crafter", "crafter.sandbox") or "sandbox." in name for name in seen["modules"])


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are those of one architecture")
async def test_calling_the_kernel_directly_gets_no_further() -> None:
    numbers = {
        "open": 2,
        "socket": 41,
        "connect": 42,
        "clone": 56,
        "fork": 57,
        "vfork": 58,
        "execve": 59,
        "kill": 62,
        "ptrace": 101,
        "prctl": 157,
        "setrlimit": 160,
        "mount": 165,
        "tkill": 200,
        "openat": 257,
        "unshare": 272,
        "prlimit64": 302,
        "process_vm_readv": 310,
        "seccomp": 317,
        "memfd_create": 319,
        "bpf": 321,
        "execveat": 322,
        "io_uring_setup": 425,
        "pidfd_open": 434,
        "clone3": 435,
        "openat2": 437,
        "open, by its x32 number": 0x40000002,
    }
    body = """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        refused = {}
        for name, number in arguments["numbers"].items():
            refused[name] = [libc.syscall(number, 0, 0, 0, 0, 0, 0), ctypes.get_errno()]
        return refused
    """

    assert await run(body, {"numbers": numbers}) == {name: [-1, 1] for name in numbers}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the machine code is that of one architecture")
async def test_the_calls_of_another_architecture_are_the_end() -> None:
    body = """
        import ctypes
        libc = ctypes.CDLL(None)
        libc.mmap.restype = ctypes.c_void_p
        page = libc.mmap(None, 4096, 7, 0x22, -1, 0)
        ctypes.memmove(page, bytes.fromhex("b814000000cd80c3"), 8)  # mov eax, getpid; int 0x80; ret
        return {"pid": ctypes.CFUNCTYPE(ctypes.c_int)(page)()}
    """

    with pytest.raises(CodeFailed, match="ended abruptly"):
        await run(body)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("while True: pass", "more than 1 seconds of computing"),
        ("import re; re.match('(a+)+$', 'a' * 40 + 'b')", "more than 1 seconds of computing"),
        (
            "import _thread; lock = _thread.allocate_lock(); lock.acquire(); lock.acquire()",
            "longer than 2 sec",
        ),
        ("return {'text': 'x' * 10**6}", "returned more than"),
        ("while True: print('x' * 10_000)", "printed more than"),
        ("import os\n    while True: os.write(1, b'x' * 65536)", "returned more than"),
    ],
)
async def test_what_does_not_end_or_stop_talking_is_ended(body: str, sentence: str) -> None:
    with pytest.raises(CodeFailed, match=sentence):
        await run_python(f"def run(arguments):\n    {body}", {}, SHORT)


async def test_two_gigabytes_are_not_to_be_had() -> None:
    failure = await failure_of("def run(arguments):\n    bytearray(2 * 1024**3)")

    assert failure.log.endswith("MemoryError\n")


async def test_a_failure_is_told_with_its_line_and_without_our_frames() -> None:
    failure = await failure_of("def run(arguments):\n    print('here')\n    return 1 / 0")

    assert failure.log == ('here\n  File "<tool>", line 3, in run\nZeroDivisionError: division by zero\n')


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def run(", "SyntaxError"),
        ("x = 1", "must define a function run"),
        ("def run(arguments): return {1j}", "not JSON serializable"),
        ("def run(arguments): return float('nan')", "not JSON compliant"),
        ("def run(arguments): return run(arguments)", "RecursionError"),
        ("import sys\nsys.exit(0)", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
async def test_code_that_is_wrong_is_told_why(source: str, told: str) -> None:
    assert told in (await failure_of(source)).log


async def test_code_that_ends_the_process_has_returned_nothing() -> None:
    assert await run_python("import os\ndef run(arguments): os._exit(0)", {}, SHORT) == b""


async def test_nothing_runs_where_the_door_cannot_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        process,
        "_START",
        process._START.replace("main()", "c.lock_in = None; main()")
        .replace(
            "from crafter",
            "import crafter.sandbox.child as c; import crafter.sandbox.lock as l; "
            "l._MACHINES.clear(); from crafter",
        )
        .replace("c.lock_in = None; ", ""),
    )

    with pytest.raises(SandboxUnavailable, match="no list of system calls"):
        await run_python("def run(arguments): return {}", {}, SHORT)


async def test_a_filter_that_lets_files_through_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    without_filter = "import crafter.sandbox.lock as l; l._lay_on = lambda steps: None; from crafter"
    monkeypatch.setattr(process, "_START", process._START.replace("from crafter", without_filter))

    with pytest.raises(SandboxUnavailable, match="the door is not closed"):
        await run_python("def run(arguments): return {}", {}, SHORT)


async def test_many_runs_take_turns_and_leave_no_process_behind() -> None:
    async def one(number: int) -> Any:
        return await run("return arguments", {"number": number})

    answers = await asyncio.gather(*(one(number) for number in range(12)))

    assert answers == [{"number": number} for number in range(12)]


async def test_a_caller_who_gives_up_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    end = process._end

    async def noting(one: Any) -> None:
        await end(one)
        ended.append(one.returncode)

    monkeypatch.setattr(process, "_end", noting)
    running = asyncio.create_task(run_python("def run(arguments):\n    while True: pass", {}, SHORT))
    await asyncio.sleep(0)
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running


def test_both_lists_of_system_calls_hold_the_same_names() -> None:
    only_on_x86 = {"time"}

    assert set(lock.X86_64) - only_on_x86 == set(lock.AARCH64)
