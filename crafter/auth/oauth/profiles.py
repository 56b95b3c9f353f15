"""What a provider says about a person, read strictly: who they are there, and which address it has verified."""

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from crafter.auth.oauth.errors import LoginRefused, Reason
from crafter.core.config_values import WebAddress
from crafter.users.emails import exact_email

T = TypeVar("T")

_NAME_LENGTH = 100

_ShortText = Annotated[str, Field(min_length=1, max_length=255)]


@dataclass(frozen=True, slots=True)
class ExternalPerson:
    """A person as a provider vouches for them. ``link`` is what is stored about the account over there."""

    email: str
    name: str
    avatar: str | None
    link: dict[str, Any]


class _Said(BaseModel):
    """Something that a provider said; no value is converted, and what we do not use is ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class _GoogleUser(_Said):
    sub: _ShortText
    email: str
    email_verified: bool = False
    name: str | None = None
    picture: str | None = None


class _GitHubUser(_Said):
    id: int
    login: _ShortText
    name: str | None = None
    avatar_url: str | None = None


class _GitHubEmail(_Said):
    email: str
    primary: bool
    verified: bool


_GOOGLE = TypeAdapter(_GoogleUser)
_GITHUB = TypeAdapter(_GitHubUser)
_GITHUB_EMAILS = TypeAdapter(list[_GitHubEmail])
_AVATAR: TypeAdapter[str] = TypeAdapter(Annotated[WebAddress, Field(max_length=2048)])


def read_google(user: Any) -> ExternalPerson:
    """The person of a reply of Google's userinfo endpoint. Raises LoginRefused."""
    said = _read(_GOOGLE, user)
    email = _verified(said.email if said.email_verified else None)
    link = {"id": said.sub, "email": said.email, "verified": True}
    return ExternalPerson(email=email, name=_name(said.name, email), avatar=_avatar(said.picture), link=link)


def read_github(user: Any, emails: Any) -> ExternalPerson:
    """The person of GitHub's user and their list of addresses. Raises LoginRefused."""
    said = _read(_GITHUB, user)
    primary = next((entry for entry in _read(_GITHUB_EMAILS, emails) if entry.primary), None)
    verified = primary.email if primary is not None and primary.verified else None
    email = _verified(verified)
    link = {"id": str(said.id), "username": said.login, "email": verified}
    return ExternalPerson(
        email=email, name=_name(said.name or said.login, email), avatar=_avatar(said.avatar_url), link=link
    )


def _read(shape: TypeAdapter[T], document: Any) -> T:
    try:
        return shape.validate_python(document)
    except ValidationError:
        raise LoginRefused(Reason.authentication_failed, "the profile has another shape") from None


def _verified(address: str | None) -> str:
    if address is None:
        raise LoginRefused(Reason.authentication_failed, "no address is verified")
    try:
        return exact_email(address)
    except ValueError:
        raise LoginRefused(Reason.authentication_failed, "the address cannot be used") from None


def _name(given: str | None, email: str) -> str:
    return " ".join((given or "").split())[:_NAME_LENGTH] or email.partition("@")[0]


def _avatar(url: str | None) -> str | None:
    """The picture's address, or None for what is not a plain web address."""
    try:
        return _AVATAR.validate_python(url)
    except ValidationError:
        return None
