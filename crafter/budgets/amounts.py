"""Amounts of budgets: exact text on the wire, whole numbers in the database."""

from decimal import Decimal

from crafter.budgets.documents import Taken, Unit

_NANO = Decimal(10) ** 9
_MOST = 10**18
_WORDS: dict[Unit, str] = {"usd": "USD", "tokens": "tokens", "requests": "calls"}


def parse(unit: Unit, text: str) -> int:
    """The whole number for an amount. Raises ValueError, which says what is wrong."""
    amount = Decimal(text) * (_NANO if unit == "usd" else 1)
    if amount != amount.to_integral_value():
        raise ValueError(
            "Dollars have nine decimal places at most" if unit == "usd" else f"There are only whole {unit}"
        )
    if amount > _MOST:
        raise ValueError("This is more than can be counted")
    return int(amount)


def as_text(unit: Unit, amount: int) -> str:
    """An amount with all of its digits, and no more."""
    if unit != "usd":
        return str(amount)
    return format((Decimal(amount) / _NANO).normalize(), "f")


def spoken(unit: Unit, amount: int) -> str:
    """An amount in a sentence: ``4.5 USD``, ``100 tokens``, ``60 calls``."""
    return f"{as_text(unit, amount)} {_WORDS[unit]}"


def of_unit(unit: Unit, taken: Taken) -> int:
    """What a call took, as a budget of this unit counts it."""
    return {"usd": taken.cost_nano, "tokens": taken.tokens, "requests": taken.requests}[unit]
