"""About how many tokens a text has, and between which bounds the true number lies, whatever the model's tokenizer."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from crafter.llm.base import IMAGE_TOKENS, ChatRequest

METHOD = "characters"

_PER_MESSAGE = 4
"""Tokens that stand around each message."""


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
    """By kinds of characters: letters share tokens, digits and signs share fewer, other scripts hardly any."""
    letters = sum(1 for one in text if one.isascii() and (one.isalpha() or one == " "))
    plain = sum(1 for one in text if one.isascii()) - letters
    foreign = len(text) - letters - plain
    count = letters / 4.5 + plain / 2.2 + foreign / 1.4
    low = letters / 7 + plain / 5 + foreign / 4
    high = letters / 2.8 + plain / 1 + foreign * 1.2
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
