"""What can go wrong with provider keys."""

from crafter.core.errors import BadInput, Conflict, NotFound


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
