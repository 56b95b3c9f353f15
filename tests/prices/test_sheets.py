"""What a call costs by the rows of its model: exact, by class of tokens, at any time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from crafter.llm.base import Usage
from crafter.prices.documents import Tier, Unit
from crafter.prices.sheets import Row, cost, sheet_at

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
LATER = datetime(2026, 6, 1, tzinfo=UTC)


def row(unit: Unit, amount: str, since: datetime = JANUARY, tier: Tier = "standard") -> Row:
    return Row(f"{unit}@{amount}", unit, tier, Decimal(amount), since)


BASE = [row("input", "0.000003"), row("output", "0.000015")]


def amount(rows: list[Row], usage: Usage, tier: Tier = "standard") -> Decimal | None:
    priced = cost(sheet_at(rows, [], LATER, tier), usage)
    return None if priced is None else priced.amount


def test_a_million_additions_lose_nothing() -> None:
    one = cost(sheet_at(BASE, [], LATER), Usage(1, 1, 2))
    assert one is not None

    total = Decimal(0)
    for _ in range(1_000_000):
        total += one.amount

    assert total == Decimal("18")


@pytest.mark.parametrize(
    ("extra", "usage", "expected"),
    [
        ([], Usage(10, 2, 12), "0.00006"),
        ([], Usage(10, 2, 12, cached_tokens=4, reasoning_tokens=1, cache_write_tokens=3), "0.00006"),
        ([row("cached_input", "0.0000003")], Usage(10, 0, 10, cached_tokens=4), "0.0000192"),
        ([row("cache_write", "0.000006")], Usage(10, 0, 10, cache_write_tokens=2), "0.000036"),
        ([row("reasoning", "0.00003")], Usage(0, 3, 3, reasoning_tokens=2), "0.000075"),
        ([row("request", "0.01")], Usage(1, 0, 1), "0.010003"),
    ],
)
def test_each_class_of_tokens_has_its_price(extra: list[Row], usage: Usage, expected: str) -> None:
    assert amount([*BASE, *extra], usage) == Decimal(expected)


@pytest.mark.parametrize("rows", [[], BASE[:1], BASE[1:], [row("request", "1")]])
def test_a_price_that_is_not_whole_is_unknown_and_not_nothing(rows: list[Row]) -> None:
    assert amount(rows, Usage(1, 1, 2)) is None


def test_a_price_holds_from_its_time_until_the_next_begins() -> None:
    rows = [*BASE, row("input", "0.000002", MARCH)]

    def at(moment: datetime) -> Decimal | None:
        priced = cost(sheet_at(rows, [], moment), Usage(1, 0, 1))
        return None if priced is None else priced.amount

    assert at(JANUARY - timedelta(milliseconds=1)) is None
    assert at(JANUARY) == at(MARCH - timedelta(milliseconds=1)) == Decimal("0.000003")
    assert at(MARCH) == Decimal("0.000002")


def test_the_organizations_price_wins_also_over_a_newer_one_of_the_deployment() -> None:
    system = [*BASE, row("input", "0.000009", MARCH)]

    sheet = sheet_at(system, [row("input", "0.000001")], LATER)

    assert (sheet["input"].amount, sheet["output"].amount) == (Decimal("0.000001"), Decimal("0.000015"))


def test_batches_cost_their_own_price_where_there_is_one() -> None:
    rows = [*BASE, row("output", "0.0000075", tier="batch")]

    assert amount(rows, Usage(1, 1, 2), "batch") == Decimal("0.0000105")
    assert amount(rows, Usage(1, 1, 2)) == Decimal("0.000018")


def test_the_price_names_every_row_that_it_came_from() -> None:
    cached = row("cached_input", "0.0000003")

    with_cache = cost(sheet_at([*BASE, cached], [], LATER), Usage(5, 1, 6, cached_tokens=2))
    without = cost(sheet_at([*BASE, cached], [], LATER), Usage(5, 1, 6))

    assert with_cache is not None
    assert without is not None
    assert with_cache.reference == "prices:input@0.000003,output@0.000015,cached_input@0.0000003"
    assert without.reference == "prices:input@0.000003,output@0.000015"
