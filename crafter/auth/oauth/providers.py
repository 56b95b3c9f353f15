"""Whom people can sign in with: where each provider is, what it is asked for, and how its replies are read."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pydantic import SecretStr

from crafter.auth.oauth.profiles import ExternalPerson, read_github, read_google
from crafter.core.config import Settings


class ProviderName(StrEnum):
    """A provider in a path."""

    google = "google"
    github = "github"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of a provider; ``profile`` are those whose replies together say who somebody is."""

    authorize: str
    token: str
    profile: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider at which this service is registered."""

    name: ProviderName
    display_name: str
    scope: str
    endpoints: Endpoints
    client_id: str
    client_secret: SecretStr
    callback_url: str
    read_profile: Callable[..., ExternalPerson]

    @property
    def over_https(self) -> bool:
        """Whether people's browsers reach this service over https."""
        return self.callback_url.startswith("https://")


def find_provider(name: ProviderName, settings: Settings) -> Provider | None:
    """A provider as the operator configured it, or None."""
    return _google(settings) if name is ProviderName.google else _github(settings)


def configured_providers(settings: Settings) -> list[Provider]:
    """Those that people can sign in with; none while the method is switched off."""
    if "oauth" not in settings.auth_methods:
        return []
    found = (find_provider(name, settings) for name in ProviderName)
    return [provider for provider in found if provider is not None]


def _google(settings: Settings) -> Provider | None:
    client_id, secret, callback = (
        settings.google_client_id,
        settings.google_client_secret,
        settings.google_callback_url,
    )
    if client_id is None or secret is None or callback is None:
        return None
    base = settings.google_url
    return Provider(
        name=ProviderName.google,
        display_name="Google",
        scope="profile email",
        endpoints=Endpoints(
            authorize=f"{base or 'https://accounts.google.com'}/o/oauth2/v2/auth",
            token=f"{base or 'https://oauth2.googleapis.com'}/token",
            profile=(f"{base or 'https://openidconnect.googleapis.com'}/v1/userinfo",),
        ),
        client_id=client_id,
        client_secret=secret,
        callback_url=callback,
        read_profile=read_google,
    )


def _github(settings: Settings) -> Provider | None:
    client_id, secret, callback = (
        settings.github_client_id,
        settings.github_client_secret,
        settings.github_callback_url,
    )
    if client_id is None or secret is None or callback is None:
        return None
    site = settings.github_url or "https://github.com"
    api = f"{settings.github_url}/api/v3" if settings.github_url else "https://api.github.com"
    return Provider(
        name=ProviderName.github,
        display_name="GitHub",
        scope="user:email",
        endpoints=Endpoints(
            authorize=f"{site}/login/oauth/authorize",
            token=f"{site}/login/oauth/access_token",
            profile=(f"{api}/user", f"{api}/user/emails"),
        ),
        client_id=client_id,
        client_secret=secret,
        callback_url=callback,
        read_profile=read_github,
    )
