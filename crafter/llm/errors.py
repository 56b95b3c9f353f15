"""What can go wrong between us and a model vendor.

The status is never the vendor's own: its 401 is about the key that is stored for it, and would log our caller
out. What the vendor said travels in the message, what is known about it in the details.
"""

from typing import Any

from crafter.core.errors import UpstreamFailed, UpstreamTimedOut


class ProviderError(UpstreamFailed):
    """Any failure of a call to a model: ``<provider> API Error: <message>``.

    Details: ``provider``; ``retryable``, whether the same call may succeed later; and where they are known
    ``upstream_status`` and ``retry_after`` (seconds).
    """

    def __init__(self, provider: str, message: str, /, *, retryable: bool = False, **details: Any) -> None:
        known = {name: value for name, value in details.items() if value is not None}
        super().__init__(f"{provider} API Error: {message}", provider=provider, retryable=retryable, **known)


class ProviderFailed(ProviderError):
    """502: the vendor refused, failed, or made no sense."""


class ProviderRateLimited(ProviderFailed):
    """502: the vendor wants fewer calls."""

    code = "PROVIDER_RATE_LIMITED"


class ProviderReplyTooLarge(ProviderFailed):
    """502: the model said more than we take."""

    code = "PROVIDER_REPLY_TOO_LARGE"


class ProviderTimedOut(ProviderError, UpstreamTimedOut):
    """504: the reply was not complete by its deadline."""
