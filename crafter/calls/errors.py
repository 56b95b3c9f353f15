"""What can go wrong with reading the ledger."""

from crafter.core.errors import NotFound


class CallNotFound(NotFound):
    """No such call in this project."""

    code = "CALL_NOT_FOUND"
    message = "Call not found"
