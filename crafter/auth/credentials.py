"""What a request presents to be let in: the one reader of the headers that carry credentials."""

from dataclasses import dataclass
from typing import Protocol

from crafter.core.security import is_key

_BEARER = "Bearer "
_SESSION = "Session "


class Headers(Protocol):
    """The headers of a request; names in lower case."""

    def getlist(self, key: str) -> list[str]:
        """Every value of a header, in the order in which they were sent."""
        ...


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was presented, by kind; None where nothing was.

    ``ambiguous``: a header that carries a credential came more than once, so nobody can say which one counts, and
    none does. ``names_program``: a platform key was presented rather than a person's token, where both are welcome.
    """

    token: str | None = None
    api_key: str | None = None
    session_token: str | None = None
    ambiguous: bool = False
    names_program: bool = False


def read_credentials(headers: Headers) -> Credentials:
    """What the headers present. ``X-API-Key`` wins over ``Bearer``, and ``X-Session-Token`` over ``Session``."""
    given = [headers.getlist(name) for name in ("authorization", "x-api-key", "x-session-token")]
    if any(len(values) > 1 for values in given):
        return Credentials(ambiguous=True)
    authorization, api_key, session_token = ("".join(values) for values in given)
    bearer = _following(_BEARER, authorization)
    return Credentials(
        token=read_bearer(authorization),
        api_key=api_key or bearer,
        session_token=session_token or _following(_SESSION, authorization),
        names_program=bool(api_key) or (bearer is not None and is_key(bearer)),
    )


def read_bearer(header: str | None) -> str | None:
    """The token in an Authorization header, with or without ``Bearer ``; None when there is none.

    The prefix is read as the published clients write it. Any other scheme, also ``bearer ``, stays in the
    result, which then is no valid token.
    """
    return (header or "").removeprefix(_BEARER) or None


def _following(scheme: str, header: str) -> str | None:
    return header.removeprefix(scheme) or None if header.startswith(scheme) else None
