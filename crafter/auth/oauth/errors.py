"""What can go wrong when somebody signs in with a provider."""

from enum import StrEnum

from crafter.auth.errors import AuthMethodDisabled
from crafter.core.errors import NotFound


class OAuthDisabled(AuthMethodDisabled):
    """The operator has switched signing in with providers off."""

    message = "OAuth authentication is disabled"


class ProviderNotConfigured(NotFound):
    """The operator has not registered this service at the provider."""

    code = "OAUTH_PROVIDER_NOT_CONFIGURED"
    message = "Signing in with this provider is not configured here"


class Reason(StrEnum):
    """Why a login ended, as the web UI's error page is told; these and no others."""

    authentication_failed = "authentication_failed"
    login_failed = "login_failed"
    domain_not_allowed = "domain_not_allowed"
    signup_disabled = "signup_disabled"
    token_generation_failed = "token_generation_failed"  # noqa: S105 - a code of the contract, no password


class LoginRefused(Exception):
    """A login that ends on the web UI's error page. ``why`` is for the log: a constant, never what was sent."""

    def __init__(self, reason: Reason, why: str) -> None:
        self.reason = reason
        self.why = why
        super().__init__(f"{reason}: {why}")
