"""Passwords: hashed and checked with bcrypt, beside the event loop."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from passlib.hash import bcrypt  # type: ignore[import-untyped]  # libpass has no type marker

MAX_PASSWORD_BYTES = 72
"""All that bcrypt reads of a password, in UTF-8."""

_COST = 12
_HASHER: Any = bcrypt.using(rounds=_COST, ident="2a")  # LLM Crafter knows a hash by the prefix $2a$
# Costs above 16 would keep a thread for minutes or hours: such a hash is damaged, or planted.
_STORED = re.compile(
    r"\$2[aby]\$(?:0[4-9]|1[0-6])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]"
)
_NOBODY = f"$2a${_COST}$" + "." * 53  # well-formed, and no password has it

_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")


async def hash_password(password: str) -> str:
    """The string to store for a new password.

    Raises ValueError for what bcrypt would not take whole: more than 72 bytes, NUL, lone surrogates. The
    password policy refuses these first, with a sentence for people.
    """
    secret = password.encode()
    if len(secret) > MAX_PASSWORD_BYTES:
        raise ValueError("bcrypt would ignore the end of this password")
    return await asyncio.get_running_loop().run_in_executor(_threads, _hash, secret)


async def verify_password(password: str, stored: str) -> bool:
    """Whether this is the password. A malformed hash fits no password, and takes as long as any other.

    Only the first 72 bytes count: LLM Crafter accepted longer passwords, and hashed no more of them.
    """
    secret = password.encode("utf-8", "surrogatepass")[:MAX_PASSWORD_BYTES]
    return await asyncio.get_running_loop().run_in_executor(_threads, _verify, secret, stored)


async def verify_against_nobody(password: str) -> None:
    """Take as long as a real check: for unknown accounts, so that the time does not tell which ones exist."""
    await verify_password(password, _NOBODY)


def _hash(secret: bytes) -> str:
    return str(_HASHER.hash(secret))


def _verify(secret: bytes, stored: str) -> bool:
    if b"\0" in secret or not _STORED.fullmatch(stored):  # bcrypt would raise, at once
        secret, stored = b"", _NOBODY
    return bool(_HASHER.verify(secret, stored))
