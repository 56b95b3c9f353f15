"""What can go wrong with people's accounts."""

from crafter.core.errors import BadInput, NotFound, Unauthenticated


class EmailTaken(BadInput):
    """The address has an account."""

    code = "EMAIL_TAKEN"
    message = "Email already registered"


class UserNotFound(NotFound):
    """Nobody has this address."""

    code = "USER_NOT_FOUND"
    message = "User not found"


class AccountGone(Unauthenticated):
    """The token is genuine, but its account no longer exists."""

    code = "ACCOUNT_GONE"
    message = "User not found"


class LastAuthMethod(BadInput):
    """Without this provider there would be no way into the account."""

    code = "LAST_AUTH_METHOD"
    message = (
        "This is the only way into your account: set a password, or sign in with another provider first."
    )
