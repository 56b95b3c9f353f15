"""US dollars: exact in the database, in Python and on the wire."""

from decimal import Decimal
from typing import Annotated, Any

from bson import Decimal128
from pydantic import BeforeValidator, PlainSerializer

_NANO = Decimal(10) ** 9


def as_decimal(value: Any) -> Any:
    """What MongoDB keeps exactly, as Python does."""
    return value.to_decimal() if isinstance(value, Decimal128) else value


def as_text(amount: Decimal) -> str:
    """An amount with all of its digits, without an exponent."""
    return format(amount.normalize(), "f")


def nano(amount: Decimal, rounding: str | None = None) -> int:
    """An amount in billionths of a dollar, for sums that the database adds up."""
    return int((amount * _NANO).to_integral_value(rounding))


def of_nano(amount: int) -> Decimal:
    """Billionths of a dollar as dollars."""
    return amount / _NANO


Money = Annotated[
    Decimal,
    BeforeValidator(as_decimal),
    PlainSerializer(Decimal128, return_type=Any, when_used="unless-none"),
]
"""US dollars, exact to the last digit; MongoDB keeps them as ``Decimal128``."""

Dollars = Annotated[
    Decimal,
    BeforeValidator(as_decimal),
    PlainSerializer(as_text, return_type=str, when_used="json"),
]
"""US dollars as text, so that no digit is lost on the way."""
