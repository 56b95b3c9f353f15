"""Results of tools: as they can be stored, and as a model is told them."""

import json
from typing import Any

STORED_BYTES = 16 * 1024
"""The largest result that is stored; of a larger one its beginning is, as text."""

TOLD_CHARACTERS = 24_000
"""The longest result that a model is told."""


def as_stored(result: Any) -> Any:
    """The result, if it can be kept as it is; else what it begins with: ``{"truncated": true, "beginning": …}``."""
    text = as_text(result)
    size = len(text.encode())
    if size > STORED_BYTES:
        return {"truncated": True, "bytes": size, "beginning": text[: STORED_BYTES // 4]}
    # Through JSON, so that it is what readers will get; its keys go into documents, which no NUL may be in.
    return json.loads(text.replace("\\u0000", "\\ufffd"), parse_int=_number)


def as_told(result: Any) -> str:
    """The result as a model reads it: JSON, cut where it is too long."""
    text = as_text(result)
    if len(text) <= TOLD_CHARACTERS:
        return text
    return f"{text[:TOLD_CHARACTERS]}… ({len(text) - TOLD_CHARACTERS} more characters are left out)"


def as_text(result: Any) -> str:
    """The result as JSON, in plain ASCII; what JSON does not know becomes text."""
    return json.dumps(result, default=str, allow_nan=False)


def _number(digits: str) -> int | float:
    """A whole number, as far as the database can hold it."""
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else float(number)
