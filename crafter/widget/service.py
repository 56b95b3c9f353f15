"""Which files the widget has, and what is in them."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from crafter.widget.errors import WidgetFileNotFound

_SCRIPTS = ("chat-widget.js", "chat-widget.umd.js", "chat-widget.min.js")

FILES: Mapping[str, str] = {
    **{name: name for script in _SCRIPTS for name in (script, f"{script}.map")},
    "latest.js": "chat-widget.min.js",
}
"""From the name in the path to the name in the directory; nothing else is ever opened."""


@dataclass(frozen=True, slots=True)
class WidgetFile:
    """A file, and the ETag of its content."""

    content: bytes
    etag: str


async def get_widget_file(directory: Path | None, name: str) -> WidgetFile:
    """A file of the widget as it is now. Raises WidgetFileNotFound."""
    known = FILES.get(name.lower())
    if directory is None or known is None:
        raise WidgetFileNotFound
    try:
        return await asyncio.to_thread(_load, directory / known)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise WidgetFileNotFound from None


def _load(path: Path) -> WidgetFile:
    status = path.stat()
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=len(FILES))
def _read(path: Path, _changed_at: int, _size: int) -> WidgetFile:
    """The content, read again when the file has changed: many visitors share one copy."""
    content = path.read_bytes()
    return WidgetFile(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
