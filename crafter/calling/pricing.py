"""What a call costs, or would cost: the one place where the calls of models meet the prices."""

from datetime import datetime

from crafter.core.tenancy import Scope
from crafter.llm.base import Usage
from crafter.llm.prices import Priced
from crafter.prices import service as price_service


async def price_of(organization: str, provider: str, model: str, usage: Usage, at: datetime) -> Priced | None:
    """What this much use of a model costs an organization at a time; None where nobody knows the price."""
    return await price_service.price_of(Scope(organization), provider, model, usage, at)
