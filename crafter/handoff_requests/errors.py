"""Why an agent cannot hand a conversation over."""

from crafter.core.errors import Conflict, Unprocessable


class HandoffNotAllowed(Unprocessable):
    """The agent's settings do not let it ask for a human."""

    code = "HANDOFF_NOT_ALLOWED"
    message = "This agent may not hand conversations over."


class NobodyOnline(Unprocessable):
    """The agent's settings want an operator who is there, and nobody is."""

    code = "NO_OPERATOR_ONLINE"
    message = "No human operator is online right now."


class AlreadyHandedOff(Conflict):
    """The conversation waits for a human already, or has one."""

    code = "ALREADY_HANDED_OFF"
    message = "The conversation has been handed over already."
