"""Which migrations there are."""

import hashlib
import pkgutil
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from crafter.migrations import versions
from crafter.migrations.progress import Progress

Db = AsyncDatabase[dict[str, Any]]
Step = Callable[[Db, Progress], Awaitable[None]]
Check = Callable[[Db], Awaitable[list[str]]]

_MODULE = re.compile(r"m(\d{4})_([a-z0-9_]+)")


class MalformedMigration(RuntimeError):
    """A migration module that is not one: a mistake in our code."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration. ``checksum`` is the SHA-256 of its source; without ``down`` it cannot be undone."""

    version: str
    name: str
    checksum: str
    up: Step
    check: Check
    down: Step | None = None

    def __str__(self) -> str:
        return f"{self.version} {self.name}"


def all_migrations() -> list[Migration]:
    """Every migration of this release, in order. Raises MalformedMigration."""
    found = sorted(module.name for module in pkgutil.iter_modules(versions.__path__))
    migrations = [_read(import_module(f"{versions.__name__}.{name}"), name) for name in found]
    numbers = [migration.version for migration in migrations]
    if len(set(numbers)) != len(numbers):
        raise MalformedMigration("two migrations have the same number")
    return migrations


def _read(module: ModuleType, name: str) -> Migration:
    match = _MODULE.fullmatch(name)
    if match is None or module.__file__ is None or not hasattr(module, "up") or not hasattr(module, "check"):
        raise MalformedMigration(f"{name} is not m0000_name with up and check")
    checksum = hashlib.sha256(Path(module.__file__).read_bytes()).hexdigest()
    return Migration(match[1], match[2], checksum, module.up, module.check, getattr(module, "down", None))
