"""Access tokens: JSON Web Tokens, exchangeable with those of LLM Crafter (HS256 with ``JWT_SECRET``)."""

import hmac
import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt

from crafter.core.config import ConfigurationError, Settings
from crafter.core.errors import Unauthenticated

_MAX_TOKEN_BYTES = 4096
_MAX_REMEMBERED = 4096
_CLAIMS = {"userId", "iat", "exp"}
_SIGNED = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")  # the library lets padding pass


class InvalidToken(Unauthenticated):
    """Forged, expired, damaged, or not an access token: the answer is the same."""

    code = "INVALID_TOKEN"
    message = "Invalid token"


@dataclass(frozen=True, slots=True)
class Token:
    """What a genuine token says: whom it names, and from when until when it holds (Unix seconds)."""

    user: str
    issued: int
    expires: int


# What verified tokens say, oldest first, by the keyed hash of the whole token: a later
# request costs one hash and no verification. Only the event loop touches it.
_verified: dict[bytes, Token] = {}


def issue_token(user_id: str, settings: Settings, now: datetime) -> str:
    """A token by which its holder is this user, from ``now`` for as long as the settings say."""
    issued = int(now.timestamp())
    expires = issued + int(settings.token_lifetime.total_seconds())
    return jwt.encode(
        {"userId": user_id, "iat": issued, "exp": expires}, _secret(settings), algorithm="HS256"
    )


def verify_token(raw: str, settings: Settings) -> Token:
    """What a token says, if it is genuine and has not expired. Raises InvalidToken.

    A token with further claims is refused too: what else is signed with the same secret is no access token.
    """
    if len(raw) > _MAX_TOKEN_BYTES or not _SIGNED.fullmatch(raw):
        raise InvalidToken
    secret = _secret(settings)
    key = hmac.digest(secret, raw.encode(), "sha256")
    token = _verified.get(key) or _verify(raw, secret)
    if token.expires <= time.time():
        raise InvalidToken
    _remember(key, token)
    return token


def _verify(raw: str, secret: bytes) -> Token:
    try:
        # iat is not compared with our clock: LLM Crafter does not, and the clocks of two servers differ.
        token = jwt.decode_complete(raw, secret, algorithms=["HS256"], options={"verify_iat": False})
    except jwt.PyJWTError:
        raise InvalidToken from None
    claims: dict[str, Any] = token["payload"]
    user_id, issued, expires = claims.get("userId"), claims.get("iat"), claims.get("exp")
    if token["header"].get("typ", "JWT") != "JWT" or claims.keys() != _CLAIMS:
        raise InvalidToken
    if not isinstance(user_id, str) or not user_id:
        raise InvalidToken
    if not isinstance(issued, int) or not isinstance(expires, int):
        raise InvalidToken
    return Token(user_id, issued, expires)


def _remember(key: bytes, verified: Token) -> None:
    if key not in _verified and len(_verified) >= _MAX_REMEMBERED:
        del _verified[next(iter(_verified))]
    _verified[key] = verified


def _secret(settings: Settings) -> bytes:
    if settings.jwt_secret is None:
        raise ConfigurationError(["JWT_SECRET: must be set before tokens can be signed"])
    return settings.jwt_secret.get_secret_value().encode()
