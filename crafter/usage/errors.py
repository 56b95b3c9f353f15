"""What can go wrong with questions about usage."""

from crafter.core.errors import Unavailable, Unprocessable


class TooManyRows(Unprocessable):
    """The answer would be too long."""

    code = "USAGE_TOO_LARGE"
    message = (
        "That is too much usage for one answer. Ask for a shorter time, for fewer dimensions, or filter it."
    )


class StillSummingUp(Unavailable):
    """More calls wait to be summed up than can be looked at for one answer."""

    code = "USAGE_NOT_READY"
    message = "The usage is being summed up after many calls at once. Ask again in a few seconds."
