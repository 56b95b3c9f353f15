"""What can go wrong with provider keys."""

from crafter.core.errors import BadInput, Conflict, LimitReached, NotFound


class ApiKeyNotFound(NotFound):
    """There is no such key in this project."""

    code = "API_KEY_NOT_FOUND"
    message = "API key not found in this project"


class ApiKeyExists(BadInput):
    """The project has a key with the same secret."""

    code = "API_KEY_EXISTS"
    message = "API key already exists in this project"


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


class CredentialLimited(LimitReached):
    """The provider key has a limit, and it is used up for now; the provider was not asked."""

    code = "CREDENTIAL_RATE_LIMITED"
    message = "The limit of the provider's API key is used up"

    def __init__(self, allowed: str, *, limit: int, window: int, seconds_left: int) -> None:
        advice = f"The API key for the provider is limited to {allowed}. Try again in {seconds_left} seconds."
        super().__init__(advice, limit=limit, window=window, seconds_left=seconds_left)
