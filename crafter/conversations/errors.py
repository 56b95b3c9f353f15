"""What can go wrong with conversations."""

from crafter.core.errors import Conflict, NotFound


class ConversationNotFound(NotFound):
    """There is no such conversation here, or it was deleted."""

    code = "CONVERSATION_NOT_FOUND"
    message = "Conversation not found"


class ConversationOfAnother(ConversationNotFound):
    """The conversation that a turn should go on in is not one of this agent's."""

    message = "Conversation not found or does not belong to this agent"


class ConversationArchived(Conflict):
    """Archived conversations are read-only."""

    code = "CONVERSATION_ARCHIVED"
    message = "The conversation is archived and read-only. Unarchive it first."


class IllegalTransition(Conflict):
    """The conversation is not in a state from which this is possible."""

    code = "ILLEGAL_TRANSITION"
    message = "The conversation is not in a state that allows this."
