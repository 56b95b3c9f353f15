"""The ticket of a login: what ties a provider's answer to the browser and the moment in which the login began."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from crafter.auth.oauth.errors import LoginRefused, Reason
from crafter.core.config import ConfigurationError, Settings

LIFETIME = timedelta(minutes=10)
"""How long somebody may take at the provider."""

_MAX_LENGTH = 2048
_AUDIENCE = "crafter:oauth-login"
_CLAIMS = ("aud", "provider", "state", "verifier", "exp")


@dataclass(frozen=True, slots=True)
class Ticket:
    """A login in progress. ``state`` comes back with the provider's answer, ``verifier`` never leaves with it."""

    provider: str
    state: str
    verifier: str
    expires_at: datetime

    @property
    def challenge(self) -> str:
        """What the provider is shown of the verifier (PKCE, S256)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def fingerprint(self) -> str:
        """What may be stored of the state."""
        return hashlib.sha256(self.state.encode()).hexdigest()

    def answers(self, state: str) -> bool:
        """Whether a provider's answer with this state belongs to this login."""
        return hmac.compare_digest(self.state.encode(), state.encode())


def new_ticket(provider: str, now: datetime) -> Ticket:
    """A ticket for a login that begins now."""
    return Ticket(provider, secrets.token_urlsafe(32), secrets.token_urlsafe(32), now + LIFETIME)


def seal(ticket: Ticket, settings: Settings) -> str:
    """The ticket as text that only we can have made, for a cookie."""
    claims = {
        "aud": _AUDIENCE,
        "provider": ticket.provider,
        "state": ticket.state,
        "verifier": ticket.verifier,
        "exp": ticket.expires_at,
    }
    return jwt.encode(claims, _key(settings), algorithm="HS256")


def unseal(sealed: str | None, provider: str, settings: Settings) -> Ticket:
    """The ticket that a browser brought to this provider's callback.

    Raises LoginRefused for none, a forged, damaged or expired one, and one for another provider.
    """
    if sealed is None or len(sealed) > _MAX_LENGTH:
        raise LoginRefused(Reason.login_failed, "no ticket")
    try:
        claims: dict[str, Any] = jwt.decode(
            sealed,
            _key(settings),
            algorithms=["HS256"],
            audience=_AUDIENCE,
            options={"require": list(_CLAIMS)},
        )
    except jwt.PyJWTError:
        raise LoginRefused(Reason.login_failed, "the ticket is not valid, or has expired") from None
    if claims["provider"] != provider:
        raise LoginRefused(Reason.login_failed, "the ticket is for another provider")
    expires_at = datetime.fromtimestamp(claims["exp"], tz=UTC)
    return Ticket(provider, str(claims["state"]), str(claims["verifier"]), expires_at)


def _key(settings: Settings) -> bytes:
    """A key for tickets alone, so that no ticket is an access token and no access token a ticket."""
    if settings.jwt_secret is None:
        raise ConfigurationError(["JWT_SECRET: must be set before a login can begin"])
    return hmac.digest(settings.jwt_secret.get_secret_value().encode(), _AUDIENCE.encode(), "sha256")
