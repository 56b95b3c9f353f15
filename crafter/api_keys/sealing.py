"""The one place where provider keys are encrypted, decrypted and fingerprinted."""

from crafter.core.secrets import Keyring, Place, SecretUnreadable
from crafter.core.tenancy import Scope

_SHOWN_CHARACTERS = 4
_SHORT = 16


def sealed(secret: str, place: Place, keyring: Keyring) -> str:
    """What to store of a secret."""
    return keyring.encrypt(secret, place)


def sealed_nothing(place: Place, keyring: Keyring) -> str:
    """What to store where there is no secret: a ciphertext like any other, since no two rows may have the same."""
    return keyring.encrypt("", place)


def opened(stored: str, place: Place, keyring: Keyring) -> str:
    """The secret itself. Raises SecretUnreadable, also where there is none."""
    secret = keyring.decrypt(stored, place) if stored else ""
    if not secret:
        raise SecretUnreadable
    return secret


def fingerprint(scope: Scope, text: str, keyring: Keyring) -> str:
    """Equal for equal texts of one project, and of no use without the server's key."""
    return keyring.fingerprint("\0".join((scope.organization, scope.project or "", text)))


def shown_end(secret: str) -> str | None:
    """What may be shown of a secret: its end, if that is a small part of it."""
    return secret[-_SHOWN_CHARACTERS:] if len(secret) >= _SHORT else None
