"""Estimates of tokens against true counts: ``token_counts.json`` has what OpenAI's two tokenizers make of each text."""

import json
from pathlib import Path
from typing import Any

import pytest

from crafter.llm.base import ChatMessage, ChatRequest, ImagePart, TextPart, ToolDefinition
from crafter.llm.tokens import TokenEstimate, estimate_request, estimate_text

CORPUS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("token_counts.json").read_text())
TOKENIZERS = ("o200k", "cl100k")


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_of_twenty_true_counts_nineteen_lie_within_the_bounds(tokenizer: str) -> None:
    outside = []
    for row in CORPUS:
        estimate = estimate_text(row["text"])
        if not estimate.low <= row[tokenizer] <= estimate.high:
            outside.append(row["name"])
    assert len(CORPUS) == 50
    assert len(outside) <= 0.05 * len(CORPUS), outside


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_estimates_are_right_on_the_average_and_the_bounds_are_no_excuse(tokenizer: str) -> None:
    estimates = [(estimate_text(row["text"]), row[tokenizer]) for row in CORPUS]
    assert 0.85 < sum(one.count for one, _ in estimates) / sum(true for _, true in estimates) < 1.15
    assert sum(one.high for one, _ in estimates) < 2.2 * sum(true for _, true in estimates)


def test_a_request_has_its_tools_its_images_and_all_of_its_messages() -> None:
    said = ChatRequest("m", [ChatMessage("user", "Hello there")])
    longer = ChatRequest("m", [*said.messages, ChatMessage("assistant", "Hello")])
    tool = ToolDefinition("weather", "Tells the weather", {"type": "object"})
    offered = ChatRequest("m", said.messages, tools=[tool])
    shown = ChatRequest(
        "m", [ChatMessage("user", [TextPart("Hello there"), ImagePart("https://example.com/a.png")])]
    )
    least = estimate_request(said)
    assert least.low < least.count < least.high
    for more in (longer, offered, shown):
        assert estimate_request(more).count > least.count
        assert estimate_request(more).high > least.high
    assert estimate_request(shown).count - least.count == 1_000


def test_nothing_is_nothing() -> None:
    assert estimate_text("") == TokenEstimate(0, 0, 0)
