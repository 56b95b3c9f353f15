"""Every query and every rule about prices.

At any time the organization's price wins over the deployment's, both over what the contract says, and that over what
the package of prices knows. Where nobody knows the price it is unknown, never 0.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from itertools import groupby
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from crafter.core.fresh import Remembered
from crafter.core.rows import RowResult, read_rows
from crafter.core.tenancy import Scope
from crafter.llm import prices as known_prices
from crafter.llm.base import Usage
from crafter.llm.prices import Priced
from crafter.prices.documents import Price, SystemPrice, Tier
from crafter.prices.errors import PriceExists
from crafter.prices.schemas import PriceCreate, PriceRead, PriceRow
from crafter.prices.sheets import Rows, cost, rows_of, sheet_at

MAX_PRICES = 10_000
"""Rows that are read of one or of several models."""

_IN_ORDER = [("unit", 1), ("tier", 1), ("effective_from", 1)]
_ALL_IN_ORDER = [("provider", 1), ("model", 1), *_IN_ORDER]
_KEY = ("provider", "model", "unit", "tier", "effective_from")


_remembered: Remembered[tuple[str, str, str], tuple[Rows, Rows]] = Remembered()


async def price_of(
    scope: Scope, provider: str, model: str, usage: Usage, at: datetime, tier: Tier = "standard"
) -> Priced | None:
    """What so much use of a model cost an organization at a time; None where nobody knows the price.

    ``scope`` may also be a project of it.
    """
    system, own = await _rows(scope.whole_organization, provider, model)
    by_rows = cost(sheet_at(system, own, at, tier), usage)
    return by_rows if by_rows is not None else known_prices.price_of(provider, model, usage, at)


async def list_system_prices() -> list[PriceRead]:
    """Every price of the deployment, by model."""
    prices = await _find_system({})
    return [
        price
        for _, group in groupby(prices, lambda p: (p.provider, p.model))
        for price in _shown(list(group))
    ]


async def add_price(
    scope: Scope, provider: str, model: str, new: PriceCreate, *, session: AsyncClientSession | None = None
) -> Price:
    """Store a price of an organization. Raises PriceExists; the unique index decides.

    In a transaction, call ``forget`` after it.
    """
    fields = new.model_dump(include={"unit", "tier", "amount", "effective_from", "source"})
    price = Price(organization=scope.organization, provider=provider.lower(), model=model, **fields)
    try:
        await Price.within(scope).insert(price.to_stored(), session=session)
    except DuplicateKeyError:
        raise PriceExists from None
    forget()
    return price


def forget() -> None:
    """Have prices read anew: some were written."""
    _remembered.forget()


async def import_prices(scope: Scope | None, rows: Sequence[object], *, dry_run: bool) -> list[RowResult]:
    """Store the prices of an organization, or of the deployment; a row that is there already is left as it is.

    Each row is stored or refused by itself, and says which; ``dry_run``: nothing is stored.
    """
    results, seen = [], dict[tuple[Any, ...], Decimal]()
    for number, row in read_rows(PriceRow, rows):
        if isinstance(row, RowResult):
            results.append(row)
            continue
        key = tuple(getattr(row, name) for name in _KEY)
        known = seen.get(key)
        if known is None:
            known = await _amount_of(scope, row)
        if known is None and not dry_run:
            known = await _store(scope, row)
        seen[key] = row.amount if known is None else known
        results.append(_result(number, row, known))
    return results


def _result(number: int, row: PriceRow, known: Decimal | None) -> RowResult:
    if known is None:
        return RowResult(number, "created")
    if known == row.amount:
        return RowResult(number, "unchanged")
    return RowResult(number, "conflict", [PriceExists.message])


async def _store(scope: Scope | None, row: PriceRow) -> Decimal | None:
    """Store a row, unless somebody else did so meanwhile: then the amount that is stored."""
    try:
        if scope is None:
            price = SystemPrice(**row.model_dump(exclude={"currency"}))
            await SystemPrice.collection().insert_one(price.to_stored())
            forget()
        else:
            await add_price(scope, row.provider, row.model, row)
    except (DuplicateKeyError, PriceExists):
        return await _amount_of(scope, row)
    return None


async def _amount_of(scope: Scope | None, row: PriceRow) -> Decimal | None:
    """What is stored for the very same model, unit, tier and moment."""
    where = row.model_dump(include=set(_KEY))
    found = await (_find_system(where) if scope is None else _find_own(scope, where))
    return found[0].amount if found else None


async def _rows(scope: Scope, provider: str, model: str) -> tuple[Rows, Rows]:
    key = (scope.organization, provider.lower(), model)
    return await _remembered.get(key, partial(_read_rows, scope, {"provider": key[1], "model": model}))


async def _read_rows(scope: Scope, where: Mapping[str, Any]) -> tuple[Rows, Rows]:
    system, own = await _find_system(where), await _find_own(scope, where)
    return rows_of(system), rows_of(own)


async def _find_system(where: Mapping[str, Any]) -> list[SystemPrice]:
    rows = await SystemPrice.collection().find(where, sort=_ALL_IN_ORDER, limit=MAX_PRICES).to_list()
    return [SystemPrice.from_stored(row) for row in rows]


async def _find_own(scope: Scope, where: Mapping[str, Any]) -> list[Price]:
    rows = await Price.within(scope).find(where, sort=_ALL_IN_ORDER, limit=MAX_PRICES)
    return [Price.from_stored(row) for row in rows]


def _shown(prices: Sequence[SystemPrice]) -> list[PriceRead]:
    """The prices of one model in order of unit, tier and time: each ends where the next one begins."""
    following = [*prices[1:], None] if prices else []
    return [
        PriceRead(
            id=price.id,
            scope="system",
            **price.model_dump(include={*_KEY, "source"}),
            amount=price.amount,
            effective_to=after.effective_from
            if after is not None and (after.unit, after.tier) == (price.unit, price.tier)
            else None,
        )
        for price, after in zip(prices, following, strict=True)
    ]
