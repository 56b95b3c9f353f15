"""What can go wrong with prices."""

from crafter.core.errors import Conflict


class PriceExists(Conflict):
    """There is a price from that very moment on, and prices are never changed."""

    code = "PRICE_EXISTS"
    message = (
        "There is a price of this unit and tier from that moment on already. Prices are never changed: "
        "add one that begins later."
    )
