"""About how many tokens a text has, and between which bounds the true number lies, whatever the model's tokenizer."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from crafter.llm.base import IMAGE_TOKENS, ChatRequest

METHOD = "pieces"

_PER_MESSAGE = 4
"""Tokens that stand around each message."""

_PIECES = re.compile(
    r"(?P<word>[A-Z]?[a-z]+|[A-Z]+)"
    r"|(?P<digits>[0-9]+)"
    r"|(?P<blank> )"
    r"|(?P<space>\s+)"
    r"|(?P<sign>[\x00-\x7f])"
    r"|(?P<letters>[\x80-\u07ff]+)"
    r"|(?P<script>[\u0800-\uffff]+)"
    r"|(?P<picture>.)",
    re.DOTALL,
)
"""A word ends where capitals begin; what is not ASCII is told apart by how many bytes it takes."""


class _Weight(NamedTuple):
    """Tokens at least, probably, and at most."""

    low: float
    likely: float
    high: float


_WEIGHTS: Mapping[str, tuple[_Weight, int, _Weight]] = {
    "word": (_Weight(0.75, 1, 1.2), 5, _Weight(0.05, 0.13, 0.5)),
    "digits": (_Weight(0.9, 1.1, 1.3), 3, _Weight(0.3, 0.36, 0.6)),
    "blank": (_Weight(0, 0.05, 0.3), 1, _Weight(0, 0, 0)),
    "space": (_Weight(0.2, 0.7, 1), 1, _Weight(0, 0.05, 0.3)),
    "sign": (_Weight(0.3, 0.65, 1), 1, _Weight(0, 0, 0)),
    "letters": (_Weight(0.2, 0.8, 1.6), 1, _Weight(0.18, 0.4, 0.95)),
    "script": (_Weight(0.3, 1, 2), 1, _Weight(0.25, 0.75, 1.3)),
    "picture": (_Weight(0.8, 1.7, 3), 1, _Weight(0, 0, 0)),
}
"""Of each kind of piece: the weight of a short one, how long it may be for that, and of each character beyond."""


@dataclass(frozen=True, slots=True)
class TokenEstimate:
    """A number of tokens, and bounds between which the true one is nineteen times out of twenty."""

    count: int
    low: int
    high: int

    def __add__(self, other: Self) -> Self:
        """Both together."""
        return type(self)(self.count + other.count, self.low + other.low, self.high + other.high)

    @classmethod
    def exactly(cls, count: int) -> Self:
        """A number that is known."""
        return cls(count, count, count)


def estimate_text(text: str) -> TokenEstimate:
    """By what tokenizers have in common: short words are one token, long ones, digits, signs and other scripts more."""
    count = low = high = 0.0
    for piece in _PIECES.finditer(text):
        kind, length = str(piece.lastgroup), len(piece[0])
        first, free, more = _WEIGHTS[kind]
        beyond = max(0, length - free)
        low += first.low + beyond * more.low
        count += first.likely + beyond * more.likely
        high += first.high + beyond * more.high
    return TokenEstimate(_up(count), int(low), _up(high))


def estimate_request(request: ChatRequest) -> TokenEstimate:
    """What is sent with a request: its messages, their images, and the tools that are offered."""
    total = TokenEstimate.exactly(0)
    for text in _texts_of(request):
        total = total + estimate_text(text)
    images = sum(len(message.images) for message in request.messages) * IMAGE_TOKENS
    around = len(request.messages) * _PER_MESSAGE
    return total + TokenEstimate(images + around, 0, 2 * images + 2 * around)


def _texts_of(request: ChatRequest) -> Iterable[str]:
    for message in request.messages:
        yield message.text
        for call in message.tool_calls:
            yield call.name + call.arguments
    for tool in request.tools:
        yield tool.name + tool.description + json.dumps(tool.parameters, ensure_ascii=False)


def _up(number: float) -> int:
    return -int(-number // 1)
