"""What the calls through one connection have taken together, those that failed included."""

from dataclasses import dataclass
from decimal import Decimal

from crafter.llm.base import NOTHING_USED, Usage
from crafter.llm.prices import Priced


@dataclass(slots=True)
class Tally:
    """A running total; it is what the ledger says of these calls."""

    usage: Usage = NOTHING_USED
    _amount: Decimal = Decimal(0)
    _unpriced: bool = False

    @property
    def cost(self) -> Decimal | None:
        """US dollars; None where nobody knows the price of some of it."""
        return None if self._unpriced else self._amount

    def add(self, usage: Usage, priced: Priced | None) -> None:
        """Count one more call; one that took nothing costs nothing, whatever its price."""
        if usage == NOTHING_USED:
            return
        self.usage = self.usage + usage
        if priced is None:
            self._unpriced = True
        else:
            self._amount += priced.amount
