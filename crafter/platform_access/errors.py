"""Why a platform key does not get in."""

from crafter.core.errors import Forbidden, LimitReached, Unauthenticated


class ApiKeyRequired(Unauthenticated):
    """The request carries no platform key."""

    code = "API_KEY_REQUIRED"
    message = "API key required"


class InvalidApiKey(Unauthenticated):
    """Unknown, malformed, revoked, or of somebody who is no member any more: the answer is the same."""

    code = "INVALID_API_KEY"
    message = "Invalid API key"


class ApiKeyExpired(Unauthenticated):
    """The key's time is over."""

    code = "API_KEY_EXPIRED"
    message = "API key expired"


class ScopeMissing(Forbidden):
    """The key does not have the scope for this; the body says which would do, and which the key has."""

    code = "INSUFFICIENT_PERMISSIONS"
    message = "Insufficient permissions"

    def __init__(self, *, required: list[str], available: list[str]) -> None:
        super().__init__(required_scopes=required, available_scopes=available)


class AccessRestricted(Forbidden):
    """The key may not be used from there, or not any more today."""

    code = "ACCESS_RESTRICTED"
    message = "Access restricted"


class AddressNotAllowed(AccessRestricted):
    """The client's address is not on the key's list."""

    message = "IP address not allowed"


class DomainNotAllowed(AccessRestricted):
    """The page that the request comes from is not on the key's list."""

    message = "Domain not allowed"


class DailyLimitReached(AccessRestricted):
    """The key was used as often as it may be in one day (in UTC)."""

    message = "Daily execution limit exceeded"


class OrganizationAccessDenied(Forbidden):
    """The key is not one of the organization in the path, or there is none: both look the same."""

    code = "ORGANIZATION_ACCESS_DENIED"
    message = "Access denied to this organization"


class KeyRateExceeded(LimitReached):
    """The key was used as often as it may be in one minute."""

    def __init__(self, *, limit: int, seconds_left: int) -> None:
        advice = f"This API key is limited to {limit} requests per minute. Please slow down."
        super().__init__(advice, limit=limit, window=60, seconds_left=seconds_left)
