"""What can go wrong on the way in."""

from crafter.core.errors import BadInput, Forbidden, Unauthenticated


class AuthenticationRequired(Unauthenticated):
    """The request carries no token."""

    code = "AUTHENTICATION_REQUIRED"
    message = "Authentication required"


class InvalidCredentials(Unauthenticated):
    """Wrong password or unknown address: the answer is the same."""

    code = "INVALID_CREDENTIALS"
    message = "Invalid credentials"


class SignupDisabled(Forbidden):
    """The operator has closed registration."""

    code = "SIGNUP_DISABLED"
    message = "New user registrations are currently disabled."


class AuthMethodDisabled(BadInput):
    """The operator has switched this way of signing in off."""

    code = "AUTH_METHOD_DISABLED"
    message = "Signing in with e-mail and password is disabled"


class DomainNotAllowed(BadInput):
    """The operator admits only some e-mail domains."""

    code = "DOMAIN_NOT_ALLOWED"
    message = "Accounts with this e-mail domain are not allowed here"


class OperatorOnly(Forbidden):
    """What belongs to all tenants is changed by operators."""

    code = "OPERATOR_ONLY"
    message = "Access denied: operators only. An operator's address is listed in CRAFTER_OPERATORS."
