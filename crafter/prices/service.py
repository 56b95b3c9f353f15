"""Every query and every rule about prices.

At any time the organization's price wins over the deployment's, both over what the contract says, and that over what
the package of prices knows. Where nobody knows the price it is unknown, never 0.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache, partial
from itertools import groupby
from typing import Any, Literal

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
from crafter.prices.sheets import Rows, Sheet, cost, is_whole, rows_of, sheet_at

MAX_PRICES = 10_000
"""Rows that are read of one or of several models."""

Named = tuple[str, str]
"""A model: the name of its provider, and what that calls it."""

_IN_ORDER = [("unit", 1), ("tier", 1), ("effective_from", 1)]
_ALL_IN_ORDER = [("provider", 1), ("model", 1), *_IN_ORDER]
_KEY = ("provider", "model", "unit", "tier", "effective_from")


@dataclass(frozen=True, slots=True)
class Quote:
    """US dollars for a token that is read and for one that is written, and by which price."""

    input: Decimal
    output: Decimal
    reference: str

    @property
    def is_free(self) -> bool:
        """Whether neither costs anything."""
        return not (self.input or self.output)


_remembered: Remembered[tuple[str, str, str], tuple[Rows, Rows]] = Remembered()


async def price_of(
    scope: Scope, provider: str, model: str, usage: Usage, at: datetime, tier: Tier = "standard"
) -> Priced | None:
    """What so much use of a model cost an organization at a time; None where nobody knows the price."""
    system, own = await _rows(scope, provider, model)
    by_rows = cost(sheet_at(system, own, at, tier), usage)
    return by_rows if by_rows is not None else known_prices.price_of(provider, model, usage, at)


async def find_quotes(scope: Scope | None, models: Collection[Named], at: datetime) -> Mapping[Named, Quote]:
    """What these models cost at a time, to everybody or to one organization; unknown prices are missing."""
    where = {
        "provider": {"$in": sorted({provider.lower() for provider, _ in models})},
        "model": {"$in": sorted({model for _, model in models})},
    }
    system = _by_model(await _find_system(where))
    own = _by_model(await _find_own(scope, where)) if scope is not None else {}
    quotes: dict[Named, Quote] = {}
    for provider, model in models:
        key = (provider.lower(), model)
        sheet = sheet_at(system.get(key, ()), own.get(key, ()), at)
        if (quote := _quote_by(sheet)) is not None:
            quotes[provider, model] = quote
    missing = [named for named in models if named not in quotes]
    return quotes | await asyncio.to_thread(_known_quotes, missing, at.date())


async def list_prices(scope: Scope, provider: str, model: str) -> list[PriceRead]:
    """Every stored price of a model, the deployment's and the organization's, in order of time."""
    where = {"provider": provider.lower(), "model": model}
    found = [
        *_shown("system", await _find_system(where)),
        *_shown("organization", await _find_own(scope, where)),
    ]
    return sorted(found, key=lambda price: (price.effective_from, price.unit, price.tier))


async def list_system_prices() -> list[PriceRead]:
    """Every price of the deployment, by model."""
    prices = await _find_system({})
    return [
        price
        for _, group in groupby(prices, lambda p: (p.provider, p.model))
        for price in _shown("system", list(group))
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


def _by_model(prices: Sequence[SystemPrice | Price]) -> dict[Named, Rows]:
    """The rows of each model; what was read is ordered by model."""
    groups = groupby(prices, lambda p: (p.provider, p.model))
    return {named: rows_of(group) for named, group in groups}


def _shown(
    scope: Literal["system", "organization"], prices: Sequence[SystemPrice | Price]
) -> list[PriceRead]:
    """The prices of one model in order of unit, tier and time: each ends where the next one begins."""
    following = [*prices[1:], None] if prices else []
    return [
        PriceRead(
            id=price.id,
            scope=scope,
            **price.model_dump(include={*_KEY, "source"}),
            amount=price.amount,
            effective_to=after.effective_from
            if after is not None and (after.unit, after.tier) == (price.unit, price.tier)
            else None,
        )
        for price, after in zip(prices, following, strict=True)
    ]


def _quote_by(sheet: Sheet) -> Quote | None:
    if not is_whole(sheet):
        return None
    read, written = sheet["input"], sheet["output"]
    return Quote(read.amount, written.amount, f"prices:{read.id},{written.id}")


def _known_quotes(models: Collection[Named], day: date) -> dict[Named, Quote]:
    """By the contract and by the package, whose import takes a while."""
    found = {named: _known_quote(*named, day) for named in models}
    return {named: quote for named, quote in found.items() if quote is not None}


@lru_cache(maxsize=4_096)
def _known_quote(provider: str, model: str, _day: date) -> Quote | None:
    """Its prices change with the days at most."""
    read = known_prices.price_of(provider, model, Usage(1, 0, 1))
    written = known_prices.price_of(provider, model, Usage(0, 1, 1))
    return Quote(read.amount, written.amount, read.reference) if read and written else None
