"""Prices, as they are stored: those of the deployment, and those of one organization.

A row is never changed. It holds until a later row of the same model, unit and tier begins.
"""

from typing import ClassVar, Literal

from pymongo import ASCENDING, IndexModel

from crafter.core.documents import BaseDocument, Moment, TenantDocument
from crafter.core.money import Money
from crafter.core.queries import QueryShape

Unit = Literal["input", "output", "cached_input", "cache_write", "reasoning", "request"]
Tier = Literal["standard", "batch"]

_KEY = ("provider", "model", "unit", "tier", "effective_from")
_ASCENDING = [(name, ASCENDING) for name in _KEY]
_IN_ORDER = tuple(_ASCENDING)
_SEVERAL = {"provider": {"$in": ["p", "q"]}, "model": {"$in": ["m", "n"]}}
_OF_A_MODEL = {"provider": "p", "model": "m"}


class SystemPrice(BaseDocument):
    """US dollars for one token, or one request, from a time on, for all organizations without a price of their own.

    ``provider`` is its name in lower case, ``model`` what it calls the model; ``source`` says who told the price.
    """

    provider: str
    model: str
    unit: Unit
    tier: Tier = "standard"
    amount: Money
    effective_from: Moment
    source: str = ""

    query_shapes: ClassVar = (
        QueryShape("all prices of the deployment", {}, _IN_ORDER),
        QueryShape("prices of a model", _OF_A_MODEL, _IN_ORDER[2:]),
        QueryShape("prices of several models", _SEVERAL, _IN_ORDER),
    )

    class Settings:
        name = "systemprices"
        indexes = [IndexModel(_ASCENDING, name="_1_".join(_KEY) + "_1", unique=True)]


class Price(TenantDocument):
    """The same for one organization; it wins over the price of the deployment."""

    provider: str
    model: str
    unit: Unit
    tier: Tier = "standard"
    amount: Money
    effective_from: Moment
    source: str = ""

    query_shapes: ClassVar = (
        QueryShape(
            "prices of an organization for a model", {"organization": "o", **_OF_A_MODEL}, _IN_ORDER[2:]
        ),
        QueryShape(
            "prices of an organization for several models", {"organization": "o", **_SEVERAL}, _IN_ORDER
        ),
    )

    class Settings:
        name = "prices"
        indexes = [
            IndexModel(
                [("organization", ASCENDING), *_ASCENDING],
                name="organization_1_" + "_1_".join(_KEY) + "_1",
                unique=True,
            )
        ]
