"""What results have in common: texts of other people, cleaned and cut to size, and times."""

import re
import time

_SPACE = re.compile(r"\s+")
_UNWANTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters and halves of surrogate pairs, which no text has, and which not everybody can store."""


def without_controls(text: str) -> str:
    """The text with its lines, but without characters that are none."""
    return _UNWANTED.sub(" ", text)


def line_of(text: str, length: int | None = None) -> str:
    """The text as one line, at most so long."""
    line = _SPACE.sub(" ", without_controls(text)).strip()
    return line if length is None else shortened(line, length)


def shortened(text: str, length: int) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"


def milliseconds_since(started: float) -> int:
    """How long it is since a moment of ``time.perf_counter``."""
    return round((time.perf_counter() - started) * 1_000)
