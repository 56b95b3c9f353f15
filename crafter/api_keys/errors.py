"""What can go wrong with provider keys."""

from crafter.core.errors import BadInput, Conflict, FailedDependency, LimitReached, NotFound, Unprocessable
from crafter.core.secrets import SecretUnreadable


class ApiKeyNotFound(NotFound):
    """There is no such key in this project."""

    code = "API_KEY_NOT_FOUND"
    message = "API key not found in this project"


class ApiKeyExists(BadInput):
    """The project has a key with the same secret."""

    code = "API_KEY_EXISTS"
    message = "API key already exists in this project"


class SecretInUse(Conflict):
    """The new secret of a key is one of another key."""

    code = "CREDENTIAL_EXISTS"
    message = "Another API key of this project has this secret, or had it until just now. Use that one."


class CredentialInUse(Conflict):
    """Something still works with the key; the body lists what."""

    code = "CREDENTIAL_IN_USE"
    message = (
        "The API key is still in use. Change what is listed here, or delete it all the same with force=true."
    )


class CredentialInactive(Conflict):
    """The key was switched off."""

    code = "CREDENTIAL_INACTIVE"
    message = "The API key is not active. Activate it, or choose another one."


class CredentialExpired(Conflict):
    """The key's time is over."""

    code = "CREDENTIAL_EXPIRED"
    message = "The API key has expired. Give it a later expires_at, or choose another one."


class CredentialRevoked(Conflict):
    """The key was ended for good."""

    code = "CREDENTIAL_REVOKED"
    message = "The API key was revoked, for good. Store another one."


class CredentialHostChanged(Unprocessable):
    """The provider's address is not the one for which the secret was entered; nothing was sent."""

    code = "CREDENTIAL_HOST_CHANGED"
    message = (
        "The provider is at another address than when the secret of this API key was entered, so the secret was not "
        "sent. An admin has to enter it again, with :rotate."
    )


class CredentialUnusable(FailedDependency):
    """There is no secret to call the provider with; ``reason`` says why, in one word."""

    code = "CREDENTIAL_UNUSABLE"
    message = "The API key has no usable secret where it is kept. Its health (…/api-keys/health) says what is wrong."

    def __init__(self, reason: str = "missing", message: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.reason = reason


class StorageRefused(Unprocessable):
    """Secrets of this organization may not be kept there."""

    code = "CREDENTIAL_STORAGE_REFUSED"
    message = "Secrets of this organization may not be kept there."


class CredentialLimited(LimitReached):
    """The provider key has a limit, and it is used up for now; the provider was not asked."""

    code = "CREDENTIAL_RATE_LIMITED"
    message = "The limit of the provider's API key is used up"

    def __init__(self, allowed: str, *, limit: int, window: int, seconds_left: int) -> None:
        advice = f"The API key for the provider is limited to {allowed}. Try again in {seconds_left} seconds."
        super().__init__(advice, limit=limit, window=window, seconds_left=seconds_left)


NOT_USABLE = (
    CredentialInactive,
    CredentialExpired,
    CredentialRevoked,
    SecretUnreadable,
    CredentialHostChanged,
    CredentialUnusable,
)
"""Why a call with a key is not even begun."""
