"""Secrets that are kept in the server's environment or in its files: whose they may be, and how they are read.

They are read for each call, so what an operator changes there is used at once.
"""

import asyncio
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from crafter.api_keys.documents import SecretStorage, StorageKind
from crafter.api_keys.errors import CredentialUnusable, StorageRefused
from crafter.core.config import Settings, read_variable

MAX_BYTES = 64 * 1024
SHARED = "shared"
"""The folder of the files that every organization may use."""

_IN_A_HEADER = re.compile(rb"[\x20-\x7e]+")


def require_allowed(storage: SecretStorage, organization: str, settings: Settings) -> None:
    """Raises StorageRefused where an operator does not let the organization keep secrets there."""
    if storage.kind is StorageKind.environment:
        if not variable_allowed(settings.credential_environment, organization, storage.reference):
            raise StorageRefused(
                f"The variable {storage.reference} may not hold secrets of this organization. "
                "An operator can allow it with CRAFTER_CREDENTIAL_ENVIRONMENT."
            )
    elif settings.credential_directory is None or not _path_allowed(storage.reference, organization):
        raise StorageRefused(
            f"Files with secrets of this organization have to be in {SHARED}/ or {organization}/ of the directory "
            "that an operator sets with CRAFTER_CREDENTIAL_DIRECTORY."
        )


async def read(storage: SecretStorage, organization: str, settings: Settings) -> str:
    """The secret as it is now. Raises CredentialUnusable, which names neither the variable nor the file."""
    try:
        require_allowed(storage, organization, settings)
    except StorageRefused:
        raise CredentialUnusable("not_allowed") from None
    if storage.kind is StorageKind.environment:
        raw = (read_variable(storage.reference) or "").encode(errors="surrogateescape")
    else:
        assert settings.credential_directory is not None
        raw = await asyncio.to_thread(_read_file, settings.credential_directory, storage.reference)
    secret = raw.strip()
    if not secret:
        raise CredentialUnusable("missing")
    if not _IN_A_HEADER.fullmatch(secret):
        raise CredentialUnusable("not_text")
    return secret.decode()


def variable_allowed(entries: Iterable[str], organization: str, name: str) -> bool:
    """Whether an organization may use a variable.

    One that an entry gives to organizations by their ids is theirs alone, whatever the entries for everybody say.
    """
    matching = [entry.rpartition(":")[0] for entry in entries if _matches(entry.rpartition(":")[2], name)]
    owners = [owner for owner in matching if owner]
    return organization in owners if owners else bool(matching)


def _matches(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _path_allowed(path: str, organization: str) -> bool:
    parts = PurePosixPath(path).parts
    return len(parts) > 1 and parts[0] in (SHARED, organization) and ".." not in parts


def _read_file(directory: Path, path: str) -> bytes:
    """Raises CredentialUnusable. Links are followed, but not out of the folder that the path begins with."""
    try:
        root = directory.resolve(strict=True)
        file = (root / path).resolve(strict=True)
        if not file.is_relative_to(root / PurePosixPath(path).parts[0]):
            raise CredentialUnusable("not_allowed")
        # What is no regular file could make us wait; and what was looked at must not be replaced by a link.
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as opened:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise CredentialUnusable("not_allowed")
            raw = opened.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise CredentialUnusable("missing") from None
    except (OSError, ValueError, RuntimeError):  # no permission, a NUL in the path, links in a circle
        raise CredentialUnusable("unreadable") from None
    if len(raw) > MAX_BYTES:
        raise CredentialUnusable("too_large")
    return raw
