"""What can go wrong beside a turn."""

from crafter.core.errors import Unprocessable, UpstreamFailed


class UnreadableReply(UpstreamFailed):
    """The model did not answer in the form that it was asked for."""

    code = "UNREADABLE_REPLY"
    message = "The model's answer does not have the form that it was asked for."


class ConversationEncrypted(Unprocessable):
    """The messages are stored encrypted, and a summary would not be."""

    code = "CONVERSATION_ENCRYPTED"
    message = "The messages of this conversation are encrypted, and a summary would not be. None is made."


class WebhookRefused(UpstreamFailed):
    """A hook's webhook answered, but not that all went well."""

    code = "WEBHOOK_REFUSED"
    message = "The webhook did not take the message."
