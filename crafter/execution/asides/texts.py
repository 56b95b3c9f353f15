"""Conversations as a model is shown them from outside, and its answers read with patience."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from crafter.execution.asides.errors import UnreadableReply

_SPEAKERS = {"user": "User", "assistant": "Assistant", "human_operator": "Operator", "tool": "Tool"}
_LONGEST_MESSAGE = 2_000
_MOST_ATTEMPTS = 20


def transcript(said: Iterable[tuple[str, str]]) -> str:
    """Roles and texts, in order, as one text; what nobody said is left out."""
    return "\n\n".join(
        f"{_SPEAKERS[role]}: {_shortened(text)}" for role, text in said if role in _SPEAKERS and text
    )


def json_in(reply: str) -> Any:
    """The first JSON object or array in what a model wrote around it. Raises UnreadableReply."""
    decoder, at = json.JSONDecoder(), -1
    for _ in range(_MOST_ATTEMPTS):
        starts = [start for start in (reply.find("{", at + 1), reply.find("[", at + 1)) if start >= 0]
        if not starts:
            break
        at = min(starts)
        try:
            return decoder.raw_decode(reply, at)[0]
        except (ValueError, RecursionError):
            continue
    raise UnreadableReply


def texts_in(value: Any, *, most: int, longest: int) -> list[str]:
    """The different texts of a list; of an object in it its first text."""
    if not isinstance(value, list):
        return []
    texts = (_text_of(item)[:longest].strip() for item in value)
    return list(dict.fromkeys(text for text in texts if text))[:most]


def _text_of(item: Any) -> str:
    if isinstance(item, Mapping):
        item = next((inner for inner in item.values() if isinstance(inner, str)), "")
    return item.replace("\0", "").strip() if isinstance(item, str) else ""


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + "…"
