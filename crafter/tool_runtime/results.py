"""Results of tools: as they can be stored, and as a model is told them."""

import json
from typing import Any

STORED_BYTES = 16 * 1024
"""The largest result that is stored; of a larger one its beginning is, as text."""

STORED_DEPTH = 64
"""The deepest result that is stored: MongoDB holds a hundred levels, and the document around it has some."""

TOLD_CHARACTERS = 24_000
"""The longest result that a model is told."""


def as_stored(result: Any) -> Any:
    """The result, if it can be kept as it is; else ``{"truncated": true, "bytes": …, "beginning": …}``."""
    text = as_text(result)
    size = len(text.encode())
    if size > STORED_BYTES or _is_deep(text):
        return {"truncated": True, "bytes": size, "beginning": text[: STORED_BYTES // 4]}
    # Through JSON, so that it is what readers will get. Its keys become those of documents, which no NUL may be in.
    return json.loads(text.replace("\\u0000", "\ufffd"), parse_int=_number, parse_constant=lambda _: None)


def as_told(result: Any) -> str:
    """The result as a model reads it: JSON, cut where it is too long."""
    text = as_text(result)
    if len(text) <= TOLD_CHARACTERS:
        return text
    return f"{text[:TOLD_CHARACTERS]}… ({len(text) - TOLD_CHARACTERS} more characters are left out)"


def as_text(result: Any) -> str:
    """The result as JSON; what JSON does not know becomes text, and what no encoding can hold ``?``."""
    try:
        text = json.dumps(result, default=str, ensure_ascii=False)
    except (ValueError, RecursionError):
        return '{"truncated": true, "beginning": "(it cannot be written as JSON)"}'
    return text.encode("utf-8", "replace").decode()


def _is_deep(text: str) -> bool:
    """Whether there may be too many levels: brackets in texts count too, which only errs on the safe side."""
    depth = 0
    for character in text:
        if character in "[{":
            depth += 1
            if depth > STORED_DEPTH:
                return True
        elif character in "]}":
            depth -= 1
    return False


def _number(digits: str) -> int | float:
    """A whole number, as far as the database can hold it."""
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else float(number)
