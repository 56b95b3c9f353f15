"""What can go wrong when people handle conversations."""

from crafter.core.errors import BadInput, Forbidden


class AlreadyTaken(BadInput):
    """Somebody else was first."""

    code = "ALREADY_UNDER_HUMAN_CONTROL"
    message = "Conversation already under human control"


class MessageRequired(BadInput):
    """There is nothing to say."""

    code = "MESSAGE_REQUIRED"
    message = "Message is required"


class NotUnderHumanControl(Forbidden):
    """Nobody has taken the conversation over."""

    code = "NOT_UNDER_HUMAN_CONTROL"
    message = "Conversation is not under human control"


class NothingToHandBack(BadInput):
    """The agent has the conversation already; a 403 would throw people out of the web UI."""

    code = "NOT_UNDER_HUMAN_CONTROL"
    message = "Conversation is not under human control"


class NotTheOperator(Forbidden):
    """Somebody else has the conversation."""

    code = "NOT_THE_OPERATOR"
    message = "Not authorized to send messages in this conversation"


class NotTheirsToHandBack(NotTheOperator):
    """Somebody else has the conversation."""

    message = "Not authorized to hand back this conversation"


class NotWaiting(BadInput):
    """Nobody has asked for a human, or somebody has come already; ``current_status`` says which."""

    code = "NOT_PENDING"
    message = "Conversation is not in a pending handoff state"
