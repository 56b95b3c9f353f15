"""What a call to a model costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from crafter.llm.base import Usage
from crafter.llm.providers import known_name

Price = tuple[Decimal, Decimal]


def _price(prompt: str, completion: str) -> Price:
    return Decimal(prompt), Decimal(completion)


# USD for 1000 tokens of prompt and of completion, as the contract has them: they win over the package.
_PRICES: Mapping[str, Price] = {
    "gpt-4o-mini": _price("0.00015", "0.0006"),
    "gpt-4o": _price("0.0025", "0.01"),
    "gpt-4.1": _price("0.002", "0.008"),
    "gpt-4.1-mini": _price("0.0004", "0.0016"),
    "gpt-4.1-nano": _price("0.0001", "0.0004"),
    "gpt-4-turbo": _price("0.01", "0.03"),
    "gpt-5": _price("0.00125", "0.01"),
    "gpt-5-mini": _price("0.00025", "0.002"),
    "gpt-5-nano": _price("0.00005", "0.0004"),
    "gpt-5-pro": _price("0.015", "0.12"),
    "gpt-5.1": _price("0.00125", "0.01"),
    "gpt-5.2": _price("0.00175", "0.014"),
    "gpt-5.2-pro": _price("0.021", "0.168"),
    "gpt-5.3": _price("0.00175", "0.014"),
    "gpt-5.4": _price("0.0025", "0.015"),
    "gpt-5.4-mini": _price("0.00075", "0.0045"),
    "gpt-5.4-nano": _price("0.0002", "0.00125"),
    "o1": _price("0.015", "0.06"),
    "o3": _price("0.002", "0.008"),
    "o3-mini": _price("0.0011", "0.0044"),
    "o4-mini": _price("0.0011", "0.0044"),
    "claude-opus-4-6": _price("0.005", "0.025"),
    "claude-sonnet-4-6": _price("0.003", "0.015"),
    "claude-3-5-haiku": _price("0.0008", "0.004"),
    "claude-3-haiku": _price("0.00025", "0.00125"),
    "deepseek-chat": _price("0.00014", "0.00028"),
    "grok-4": _price("0.003", "0.015"),
    "grok-3-mini": _price("0.0003", "0.0005"),
}
_CACHED_SHARE = Decimal("0.1")  # what OpenAI charges for a token of the prompt that it had seen before
_IDS_IN_PACKAGE = {"xai": "x-ai"}


@dataclass(frozen=True, slots=True)
class Priced:
    """What a call costs in USD, to the last digit, and by which price: ``contract:…`` or ``genai-prices@…:…``."""

    amount: Decimal
    reference: str


def price_of(provider: str, model: str, usage: Usage, at: datetime | None = None) -> Priced | None:
    """The cost of one call, at a time or now; None when nobody knows the price of the model.

    What the contract says holds at all times.
    """
    name = known_name(provider)
    if model not in _PRICES:
        return _price_by_package(name, model, usage, at)
    prompt, completion = _PRICES[model]
    prompt_tokens = Decimal(usage.prompt_tokens)
    if name == "openai":
        prompt_tokens -= usage.cached_tokens * (1 - _CACHED_SHARE)
    amount = (prompt_tokens * prompt + usage.completion_tokens * completion) / 1000
    return Priced(amount, f"contract:{model}")


def cost_usd(provider: str, model: str, usage: Usage) -> Decimal | None:
    """The cost of one call in USD; None when nobody knows the price of the model."""
    priced = price_of(provider, model, usage)
    return None if priced is None else priced.amount


def _price_by_package(name: str, model: str, usage: Usage, at: datetime | None) -> Priced | None:
    import genai_prices  # noqa: PLC0415 - its table of models is large, and most calls do without it

    try:
        found = genai_prices.calc_price(
            genai_prices.Usage(
                input_tokens=usage.prompt_tokens,
                cache_read_tokens=usage.cached_tokens,
                output_tokens=usage.completion_tokens,
            ),
            model,
            provider_id=_IDS_IN_PACKAGE.get(name, name),
            genai_request_timestamp=at,
        )
    except LookupError:
        return None
    version = genai_prices.__version__
    return Priced(found.total_price, f"genai-prices@{version}:{found.provider.id}/{found.model.id}")
