"""What a call costs by the rows of its model, as pure functions over rows that were read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from crafter.llm.base import Usage
from crafter.llm.prices import Priced
from crafter.prices.documents import Price, SystemPrice, Tier, Unit


@dataclass(frozen=True, slots=True)
class Row:
    """A price from a time on."""

    id: str
    unit: Unit
    tier: Tier
    amount: Decimal
    effective_from: datetime


Rows = Sequence[Row]
Sheet = dict[Unit, Row]
"""The rows that hold at one time."""


def rows_of(prices: Iterable[Price | SystemPrice]) -> Rows:
    """The rows of one model, the oldest first."""
    rows = (Row(price.id, price.unit, price.tier, price.amount, price.effective_from) for price in prices)
    return sorted(rows, key=lambda row: row.effective_from)


def sheet_at(system: Rows, own: Rows, at: datetime, tier: Tier = "standard") -> Sheet:
    """Unit by unit the newest row that has begun: the organization's, else the deployment's.

    Where a tier has no row for a unit, the standard one holds.
    """
    sheet: Sheet = {}
    tiers: tuple[Tier, ...] = ("standard",) if tier == "standard" else ("standard", tier)
    for one in tiers:
        for rows in (system, own):
            sheet |= {row.unit: row for row in rows if row.tier == one and row.effective_from <= at}
    return sheet


def is_whole(sheet: Sheet) -> bool:
    """Whether a call can be priced by it: with a price for what is read, and for what is written."""
    return "input" in sheet and "output" in sheet


def cost(sheet: Sheet, usage: Usage) -> Priced | None:
    """The sum over all classes of tokens, to the last digit, and the rows it was worked out by; None if not whole.

    Cached, newly cached and reasoning tokens cost what their class costs, where it has a price of its own.
    """
    if not is_whole(sheet):
        return None
    parts: tuple[tuple[Unit, Unit, int], ...] = (
        ("input", "input", usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens),
        ("cached_input", "input", usage.cached_tokens),
        ("cache_write", "input", usage.cache_write_tokens),
        ("output", "output", usage.completion_tokens - usage.reasoning_tokens),
        ("reasoning", "output", usage.reasoning_tokens),
    )
    amount, used = Decimal(0), {sheet["input"].id: None, sheet["output"].id: None}
    for unit, otherwise, tokens in parts:
        if tokens:
            row = sheet.get(unit, sheet[otherwise])
            amount += row.amount * tokens
            used[row.id] = None
    if (request := sheet.get("request")) is not None:
        amount += request.amount
        used[request.id] = None
    return Priced(amount, "prices:" + ",".join(used))
