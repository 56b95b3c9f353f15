"""What can go wrong with statistics."""

from crafter.core.errors import BadInput


class InvalidPeriod(BadInput):
    """There is no such period."""

    code = "INVALID_PERIOD"
    message = "Invalid period. Use '1d', '1w', or '1m'"
