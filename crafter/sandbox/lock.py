"""Locks the own process in, for good: what the kernel allows it from then on is on one short list.

Memory, the time, random numbers, waiting for a lock, writing to the two pipes, and the end. There is no file, socket,
process, thread, signal or limit that could be opened, started, sent or raised, however the code goes about it: in
Python, in machine code, or by way of ctypes. A seccomp filter does this; it takes no privileges, and can be laid on
inside a container too.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
from collections.abc import Callable
from pathlib import Path

X86_64 = {
    "write": 1,
    "mmap": 9,
    "mprotect": 10,
    "munmap": 11,
    "brk": 12,
    "rt_sigreturn": 15,
    "sched_yield": 24,
    "mremap": 25,
    "madvise": 28,
    "exit": 60,
    "gettimeofday": 96,
    "time": 201,
    "futex": 202,
    "clock_gettime": 228,
    "exit_group": 231,
    "getrandom": 318,
}
AARCH64 = {
    "write": 64,
    "exit": 93,
    "exit_group": 94,
    "futex": 98,
    "clock_gettime": 113,
    "sched_yield": 124,
    "rt_sigreturn": 139,
    "gettimeofday": 169,
    "brk": 214,
    "munmap": 215,
    "mremap": 216,
    "mmap": 222,
    "mprotect": 226,
    "madvise": 233,
    "getrandom": 278,
}
_MACHINES = {"x86_64": (0xC000003E, X86_64), "aarch64": (0xC00000B7, AARCH64)}
"""The kernel's number of each architecture, and of the calls that stay there."""

_SET_DUMPABLE, _SET_SECCOMP, _SET_NO_NEW_PRIVILEGES = 4, 22, 38
_FILTER = 2
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_LOAD, _IF_EQUAL, _IF_ABOVE, _RETURN = 0x20, 0x15, 0x25, 0x06
_CALL_AT, _MACHINE_AT, _DESCRIPTOR_AT = 0, 4, 16
_STDERR = 2

Step = tuple[int, int, int, int]
"""An instruction of the filter: what it does, how many to skip if it holds and if not, and its number."""


class CannotLock(Exception):
    """The machine does not give the guarantees."""


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("if_so", ctypes.c_ubyte),
        ("if_not", ctypes.c_ubyte),
        ("number", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Instruction)))


def lock_in(*, cpu_seconds: int, wall_seconds: float, memory_bytes: int) -> None:
    """Set the limits, close the door, and try whether it is closed. Raises CannotLock."""
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, _STDERR + 1),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, memory_bytes),
    ):
        resource.setrlimit(limit, (most, most))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, wall_seconds)  # the end, also where nobody waits for us any more
    _lay_on(_steps())
    _try_the_door()


def _steps() -> list[Step]:
    """The filter: another architecture is the end, and a call that is not on the list is refused."""
    try:
        machine, calls = _MACHINES[platform.machine()]
    except KeyError:
        raise CannotLock(f"there is no list of system calls for {platform.machine()}") from None
    others = sorted(number for name, number in calls.items() if name != "write")
    steps: list[Step] = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_IF_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _CALL_AT),
    ]
    for position, number in enumerate(others):
        steps.append((_IF_EQUAL, len(others) - position + 3, 0, number))
    return [
        *steps,
        (_IF_EQUAL, 0, 2, calls["write"]),
        (_LOAD, 0, 0, _DESCRIPTOR_AT),
        (_IF_ABOVE, 0, 1, _STDERR),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _lay_on(steps: list[Step]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    instructions = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    program = _Program(len(steps), instructions)
    no = ctypes.c_ulong(0)
    for option, first, second in (
        (_SET_DUMPABLE, no, no),
        (_SET_NO_NEW_PRIVILEGES, ctypes.c_ulong(1), no),
        (_SET_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.byref(program)),
    ):
        if libc.prctl(option, first, second, no, no) != 0:
            raise CannotLock(f"prctl {option}: {os.strerror(ctypes.get_errno())}")


def _try_the_door() -> None:
    doors: tuple[Callable[[], object], ...] = (
        lambda: os.open("/", os.O_RDONLY),
        lambda: Path("/").stat(),
        os.pipe,
    )
    for door in doors:
        try:
            door()
        except PermissionError:
            continue
        except OSError as error:
            raise CannotLock(f"the door is not closed: {error}") from None
        raise CannotLock("the door is not closed")
