"""What can go wrong with session tokens."""

from crafter.core.errors import BadInput, Forbidden, NotFound, TooManyRequests, Unauthenticated
from crafter.organizations.errors import ProjectAccessDenied

_TOKEN = "Session Token (X-Session-Token: <token> or Authorization: Session <token>)"  # noqa: S105 - no secret
_KEY = "API Key (X-API-Key: <key> or Authorization: Bearer <key>)"


class SessionTokenRequired(Unauthenticated):
    """The request carries no session token."""

    code = "SESSION_TOKEN_REQUIRED"
    message = "Session token required"


class InvalidSessionToken(Unauthenticated):
    """Unknown, malformed, revoked or expired: the answer is the same."""

    code = "INVALID_SESSION_TOKEN"
    message = "Invalid or expired session token"


class SessionInvalid(Unauthenticated):
    """The session, or its agent, has ended while the call was on its way."""

    code = "SESSION_INVALID"
    message = "Session token is no longer valid"


class ApiKeyInactive(Unauthenticated):
    """The platform key that the session was made with was revoked, or the person it acts for has left."""

    code = "API_KEY_INACTIVE"
    message = "Associated API key is no longer active"


class ApiKeyHasExpired(Unauthenticated):
    """The time of the platform key that the session was made with is over."""

    code = "API_KEY_EXPIRED"
    message = "Associated API key has expired"


class IpMismatch(Forbidden):
    """The session was made from another address, and the operator lets it work from there only."""

    code = "IP_MISMATCH"
    message = "IP address mismatch"


class InteractionLimitExceeded(TooManyRequests):
    """The session was used as often as it may be."""

    code = "INTERACTION_LIMIT_EXCEEDED"
    message = "Session interaction limit exceeded"

    def __init__(self, *, most: int, used: int) -> None:
        super().__init__(max_interactions=most, interactions_used=used)


class VisitorUnknown(Unauthenticated):
    """The request carries neither a session token nor a platform key."""

    code = "AUTH_REQUIRED"
    message = "Authentication required"

    def __init__(self) -> None:
        super().__init__(accepted_methods=[_TOKEN, _KEY])


class AgentAccessDenied(ProjectAccessDenied):
    """The key is limited to projects of which the agent is none."""

    message = "Access denied to this agent"


class TooManySessions(BadInput):
    """The key has as many live sessions with the agent as it may have."""

    code = "MAX_SESSIONS_EXCEEDED"
    message = "Maximum number of active sessions reached for this agent"

    def __init__(self, limit: int) -> None:
        super().__init__(f"Maximum number of active sessions reached for this agent ({limit})")


class SessionNotFound(NotFound):
    """The key has no such session."""

    code = "SESSION_NOT_FOUND"
    message = "Session not found"
