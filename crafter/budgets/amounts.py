"""Amounts of budgets: exact text on the wire, whole numbers in the database."""

from decimal import Decimal

from crafter.budgets.documents import Taken, Unit
from crafter.core import money

MOST = 10**18
"""More than this is not counted."""

_PLACES: dict[Unit, int] = {"usd": 9, "tokens": 0, "requests": 0}
"""Decimal places that are counted."""

_WORDS: dict[Unit, str] = {"usd": "USD", "tokens": "tokens", "requests": "calls"}


def parse(unit: Unit, text: str) -> int:
    """The whole number for an amount. Raises ValueError, which says what is wrong."""
    amount = Decimal(text).scaleb(_PLACES[unit])
    if amount != amount.to_integral_value():
        raise ValueError(
            "Dollars have nine decimal places at most" if unit == "usd" else f"There are only whole {unit}"
        )
    if amount > MOST:
        raise ValueError("This is more than can be counted")
    return int(amount)


def as_text(unit: Unit, amount: int) -> str:
    """An amount with all of its digits, and no more."""
    if unit != "usd":
        return str(amount)
    return money.as_text(money.of_nano(amount))


def spoken(unit: Unit, amount: int) -> str:
    """An amount in a sentence: ``4.5 USD``, ``100 tokens``, ``60 calls``."""
    return f"{as_text(unit, amount)} {_WORDS[unit]}"


def of_unit(unit: Unit, taken: Taken) -> int:
    """What a call took, as a budget of this unit counts it."""
    return {"usd": taken.cost_nano, "tokens": taken.tokens, "requests": taken.requests}[unit]
