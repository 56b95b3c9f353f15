"""The port to what turns texts into vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from crafter.llm.base import Usage, tokens_in

MOST_INPUTS = 512
"""Texts in one call: their vectors come in one document, which is held in memory."""

MOST_DIMENSIONS = 8_192
"""Numbers in one vector."""


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """Texts that are to become vectors; ``dimensions``: how long these are, None leaves it to the model."""

    model: str
    inputs: Sequence[str]
    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """A vector for each text, in the order of the texts."""

    vectors: Sequence[Sequence[float]]
    usage: Usage


class EmbeddingModel(Protocol):
    """A vendor with a key, asked for vectors."""

    async def embed(self, request: EmbeddingRequest) -> Embedded:
        """All vectors at once. Raises what the methods of a ChatModel raise."""
        ...


def estimate_usage(request: EmbeddingRequest) -> Usage:
    """What a call used, where the vendor did not say."""
    prompt = sum(map(tokens_in, request.inputs))
    return Usage(prompt, 0, prompt, estimated=True)
