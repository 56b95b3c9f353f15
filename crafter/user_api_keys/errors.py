"""What can go wrong with platform keys."""

from crafter.core.errors import BadInput, Conflict, FieldError, NotFound


class ApiKeyNotFound(NotFound):
    """The caller has no such key in this organization."""

    code = "API_KEY_NOT_FOUND"
    message = "API key not found"


class ApiKeyRevoked(Conflict):
    """The key was revoked, and stays so."""

    code = "API_KEY_REVOKED"
    message = "This API key has been revoked. Make a new one."


class TooManyApiKeys(BadInput):
    """The caller has as many active keys in this organization as they may have."""

    code = "MAX_API_KEYS_EXCEEDED"
    message = "Maximum number of API keys reached"

    def __init__(self, limit: int) -> None:
        super().__init__(f"Maximum number of API keys reached ({limit})")


class ExpiryInThePast(BadInput):
    """A key that has expired already is of no use."""

    code = "VALIDATION_FAILED"
    message = "Expiration date must be in the future"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("expires_at", self.message)])


class ForeignProjects(BadInput):
    """A key can only be limited to projects of its own organization."""

    code = "PROJECTS_NOT_FOUND"
    message = "Some projects not found in this organization"
