"""What a call costs, or would cost: the one place where the calls of models meet the prices."""

from datetime import datetime

from crafter.llm import prices
from crafter.llm.base import Usage
from crafter.llm.prices import Priced


async def price_of(organization: str, provider: str, model: str, usage: Usage, at: datetime) -> Priced | None:  # noqa: ARG001
    """What this much use of a model costs an organization at a time; None where nobody knows the price."""
    return prices.price_of(provider, model, usage)
