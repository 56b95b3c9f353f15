"""The secrets of an installation that was given none: made once, kept beside its embedded database."""

import os
import re
import secrets
import tempfile
from pathlib import Path

from crafter.core.config import ConfigurationError
from crafter.core.embedded_files import prepare_data_dir, unusable

FILE_NAME = "secrets.env"

_LINE = re.compile(r"(JWT_SECRET|ENCRYPTION_KEY)=([0-9a-f]{64})")


def load_or_create_secrets(data_dir: Path) -> tuple[str, str]:
    """The JWT secret and the encryption key of this data directory, 64 hexadecimal digits each.

    Made on first use, and never again: a file that cannot be understood is refused, because replacing the
    encryption key would lose what it encrypted. Processes that start at once get the same two.
    Raises ConfigurationError.
    """
    file = prepare_data_dir(data_dir) / FILE_NAME
    try:
        if not file.exists():
            _create(file)
        text = file.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise unusable(file, error) from None
    found = {match[1]: match[2] for match in map(_LINE.fullmatch, text.split()) if match}
    if len(found) != 2:
        raise ConfigurationError(
            [f"{file} does not hold a JWT_SECRET and an ENCRYPTION_KEY of 64 hexadecimal digits: restore it."]
        )
    return found["JWT_SECRET"], found["ENCRYPTION_KEY"]


def _create(file: Path) -> None:
    """Write fresh secrets under another name, then give them the final one, which only the first can do."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as output:
            output.write(f"JWT_SECRET={secrets.token_hex(32)}\nENCRYPTION_KEY={secrets.token_hex(32)}\n")
            output.flush()
            os.fsync(output.fileno())
        try:
            os.link(temporary, file)
        except FileExistsError:
            return
        _sync_directory(file.parent)
    finally:
        Path(temporary).unlink()


def _sync_directory(folder: Path) -> None:
    """Make a new name survive a power cut: what was encrypted with these secrets would otherwise be lost."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
