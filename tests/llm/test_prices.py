"""What calls cost."""

import sys
import threading
from decimal import Decimal

import pytest

from crafter.llm.base import Usage
from crafter.llm.prices import cost_usd


def usage(prompt: int, completion: int, cached: int = 0) -> Usage:
    return Usage(prompt, completion, prompt + completion, cached_tokens=cached)


@pytest.mark.parametrize(
    ("provider", "model", "used", "cost"),
    [
        ("openai", "gpt-4o-mini", usage(10, 5, cached=2), "0.00000423"),
        ("somebody else", "gpt-4o-mini", usage(10, 5, cached=2), "0.00000423"),
        ("openrouter", "gpt-4o-mini", usage(10, 5, cached=2), "0.0000045"),
        ("openai", "gpt-5.4", usage(1000, 1000), "0.0175"),
        ("openai", "gpt-5.4", usage(1000, 0, cached=1000), "0.00025"),
        ("anthropic", "claude-opus-4-6", usage(1000, 1000, cached=500), "0.03"),
        ("xai", "grok-3-mini", usage(2000, 4000), "0.0026"),
        ("deepseek", "deepseek-chat", usage(0, 0), "0"),
    ],
)
def test_models_of_the_table_cost_what_it_says(provider: str, model: str, used: Usage, cost: str) -> None:
    assert cost_usd(provider, model, used) == Decimal(cost)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-sonnet-4-5-20250929"),
        ("google", "gemini-2.5-pro"),
        ("xai", "grok-2"),
        ("openai", "gpt-3.5-turbo"),
    ],
)
def test_other_models_cost_what_the_package_says(provider: str, model: str) -> None:
    once, twice = (cost_usd(provider, model, usage(n * 1000, n * 500, cached=n * 10)) for n in (1, 2))

    assert once is not None
    assert once > 0
    assert twice == 2 * once


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "nonsense"), ("google", ""), ("deepseek", "Janus-Pro"), ("x", "y")]
)
def test_the_price_of_an_unknown_model_is_unknown(provider: str, model: str) -> None:
    assert cost_usd(provider, model, usage(10, 5)) is None


def test_asking_the_package_starts_no_updater() -> None:
    cost_usd("google", "gemini-2.5-pro", usage(1, 1))

    assert "genai_prices" in sys.modules
    assert not [thread for thread in threading.enumerate() if "price" in thread.name.lower()]
