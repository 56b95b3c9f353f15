"""What results have in common: texts of other people, cut to size, and times."""

import time


def shortened(text: str, length: int) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"


def milliseconds_since(started: float) -> int:
    """How long it is since a moment of ``time.perf_counter``."""
    return round((time.perf_counter() - started) * 1_000)
