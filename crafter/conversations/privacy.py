"""The content of messages at rest: encrypted where the agent asks for it, readable for whoever may read it."""

from collections.abc import Iterable

import structlog

from crafter.conversations.documents import Conversation, Message
from crafter.core.secrets import Keyring, Place, SecretUnreadable, is_encrypted

log = structlog.get_logger("crafter.conversations")


def seal(conversation: Conversation, message: Message, keyring: Keyring) -> Message:
    """The message as it is stored."""
    if not conversation.gdpr.encrypt_messages or not message.content:
        return message
    return message.model_copy(
        update={"content": keyring.encrypt(message.content, _place(conversation, message))}
    )


def unseal(conversation: Conversation, messages: Iterable[Message], keyring: Keyring) -> list[Message]:
    """Messages as they are read. What cannot be decrypted is shown as it is stored, and reported."""
    if not conversation.gdpr.encrypt_messages:
        return list(messages)
    return [_unsealed(conversation, message, keyring) for message in messages]


def _unsealed(conversation: Conversation, message: Message, keyring: Keyring) -> Message:
    if not is_encrypted(message.content):
        return message
    try:
        content = keyring.decrypt(message.content, _place(conversation, message))
    except SecretUnreadable:
        log.warning("unreadable_message", conversation=conversation.id, message=str(message.id))
        return message
    return message.model_copy(update={"content": content})


def _place(conversation: Conversation, message: Message) -> Place:
    return Place(
        conversation.organization, "conversations", conversation.id, f"messages.{message.id}.content"
    )
