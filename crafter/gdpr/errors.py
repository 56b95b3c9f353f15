"""What can go wrong with retention."""

from crafter.core.errors import BadInput


class NoRetention(BadInput):
    """The agent keeps its conversations for ever."""

    code = "NO_RETENTION"
    message = "Agent has no retention period configured"
