"""Registration, login, and changes to one's own account."""

from datetime import datetime
from typing import Any

import structlog

from crafter.auth.domains import is_domain_allowed
from crafter.auth.errors import AuthMethodDisabled, DomainNotAllowed, InvalidCredentials, SignupDisabled
from crafter.auth.oauth.providers import configured_providers
from crafter.auth.operators import operator_addresses
from crafter.auth.schemas import (
    Login,
    Profile,
    ProfileChanged,
    ProfileUpdate,
    Register,
    Registered,
    Security,
    SignedIn,
    SignedInUser,
)
from crafter.auth.tokens import issue_token
from crafter.core import passwords
from crafter.core.config import Settings
from crafter.core.time import utc_now
from crafter.edge.router import API
from crafter.users import service as user_service
from crafter.users.documents import User
from crafter.users.errors import EmailTaken
from crafter.users.password_policy import strength

_WEAK = ("very-weak", "weak")

log = structlog.get_logger("crafter.auth")


async def register(new: Register, settings: Settings) -> Registered:
    """Make an account and sign it in. Raises SignupDisabled, AuthMethodDisabled, DomainNotAllowed, EmailTaken.

    The address of an operator counts as taken: nobody has shown that it is theirs, and it would give them power over
    all tenants. Such an account is made with ``crafter account``.
    """
    if settings.disable_signup:
        raise SignupDisabled
    _require_passwords(settings)
    if not is_domain_allowed(new.email, settings):
        raise DomainNotAllowed
    if new.email in operator_addresses(settings):
        log.warning("operator_address_registered")
        raise EmailTaken
    # Looking first spares the hash; the index decides between racers.
    if await user_service.find_by_email(new.email) is not None:
        raise EmailTaken
    quality = strength(new.password)
    hashed = await passwords.hash_password(new.password)
    user = await user_service.create_user(email=new.email, password=hashed, name=new.name, strength=quality)
    warnings = ["Consider a longer password with more variety."] if quality in _WEAK else []
    return Registered(
        token=issue_token(user.id, settings, utc_now()),
        user=_signed_in_user(user),
        password_strength=quality,
        warnings=warnings,
    )


async def login(credentials: Login, settings: Settings, now: datetime) -> SignedIn:
    """Exchange a password for a token. Raises InvalidCredentials, after the same time whatever was wrong."""
    _require_passwords(settings)
    user = await user_service.find_by_email(credentials.email)
    if user is None or not user.password:
        await passwords.verify_against_nobody(credentials.password)
        raise InvalidCredentials
    if not await passwords.verify_password(credentials.password, user.password):
        raise InvalidCredentials
    return SignedIn(token=issue_token(user.id, settings, now), user=_signed_in_user(user))


async def get_profile(user_id: str) -> Profile:
    """One's own account. Raises AccountGone."""
    user = await user_service.get_user(user_id)
    connected = user.connected_providers()
    return Profile(
        id=user.id,
        email=user.email,
        name=user.name,
        email_verified=user.email_verified,
        is_oauth_user=bool(connected),
        primary_oauth_provider=connected[0] if connected else None,
        connected_providers=connected,
        security=_security(user),
    )


async def update_profile(user_id: str, changes: ProfileUpdate, settings: Settings) -> ProfileChanged:
    """Change one's name or password. A new password ends every token there is; the answer has a fresh one.

    Raises AccountGone.
    """
    now = utc_now()
    fields: dict[str, Any] = {}
    if changes.name is not None:
        fields["name"] = changes.name
    if changes.password is not None:
        fields["password"] = await passwords.hash_password(changes.password)
        fields["passwordStrength"] = strength(changes.password)
        fields["tokens_valid_after"] = now
    user = await user_service.update_user(user_id, fields) if fields else await user_service.get_user(user_id)
    return ProfileChanged(
        id=user.id,
        email=user.email,
        name=user.name,
        security=_security(user),
        token=issue_token(user.id, settings, now) if changes.password is not None else None,
    )


def sign_in_methods(settings: Settings) -> dict[str, Any]:
    """Which ways of signing in this deployment offers, as the web UI's login page asks for it."""
    return {
        "providers": [
            {
                "name": provider.name,
                "displayName": provider.display_name,
                "authUrl": f"{API}/auth/{provider.name}",
            }
            for provider in configured_providers(settings)
        ],
        "authMethods": {
            "enabledMethods": settings.auth_methods,
            "emailPasswordEnabled": "emailpassword" in settings.auth_methods,
            "oauthEnabled": "oauth" in settings.auth_methods,
        },
        "domainRestricted": bool(settings.allowed_email_domains),
        "allowedDomains": settings.allowed_email_domains or None,
    }


def _require_passwords(settings: Settings) -> None:
    if "emailpassword" not in settings.auth_methods:
        raise AuthMethodDisabled(enabledMethods=settings.auth_methods)


def _signed_in_user(user: User) -> SignedInUser:
    return SignedInUser(
        id=user.id,
        email=user.email,
        name=user.name,
        email_verified=user.email_verified,
        is_oauth_user=bool(user.connected_providers()),
        avatar=user.avatar,
    )


def _security(user: User) -> Security:
    return Security(
        should_update_password=user.password_strength in _WEAK, password_strength=user.password_strength
    )
