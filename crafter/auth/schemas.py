"""Registration, login and profile on the wire."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from crafter.core.documents import OmitNone
from crafter.core.schemas import ContractBody, ResponseBody
from crafter.users.emails import canonical_email
from crafter.users.password_policy import broken_rule


def _acceptable(value: Any) -> Any:
    broken = broken_rule(value if isinstance(value, str) else None)
    if broken:
        raise ValueError(broken)
    return value


def _blank_is_absent(value: Any) -> Any:
    return None if value == "" else value


Email = Annotated[str, AfterValidator(canonical_email), Field(examples=["alice@example.com"])]
"""An e-mail address, in its canonical form once it is read."""

NewPassword = Annotated[str, BeforeValidator(_acceptable), Field(examples=["Blue$Ocean77Waves"])]
"""A password that keeps the policy."""

PersonName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=2, max_length=100),
    Field(examples=["Alice Smith"]),
]


class Register(ContractBody):
    """A new account."""

    email: Email
    password: NewPassword
    name: PersonName


class Login(ContractBody):
    """An address and its password."""

    email: Email
    password: Annotated[str, Field(min_length=1, max_length=1024, examples=["Blue$Ocean77Waves"])]


class ProfileUpdate(ContractBody):
    """What a person may change about themself; blank and absent are the same, as the web UI needs it."""

    name: Annotated[PersonName | None, BeforeValidator(_blank_is_absent)] = None
    password: Annotated[NewPassword | None, BeforeValidator(_blank_is_absent)] = None


class SignedInUser(ResponseBody):
    """The account that a token was made for."""

    id: str
    email: str
    name: str
    email_verified: bool = Field(alias="emailVerified")
    is_oauth_user: bool = Field(alias="isOAuthUser")
    avatar: OmitNone[str] = None


class SignedIn(ResponseBody):
    """A token and whose it is."""

    token: str
    user: SignedInUser


class Registered(SignedIn):
    """A token for a new account, and how good its password is."""

    password_strength: str = Field(alias="passwordStrength")
    warnings: list[str]


class Security(ResponseBody):
    """How well an account is protected."""

    should_update_password: bool = Field(alias="shouldUpdatePassword")
    password_strength: str = Field(alias="passwordStrength")


class ProfileChanged(ResponseBody):
    """The profile after a change; after a new password with a token that takes the place of all earlier ones."""

    id: str
    email: str
    name: str
    security: Security
    token: OmitNone[str] = None


class Profile(ProfileChanged):
    """One's own account."""

    email_verified: bool = Field(alias="emailVerified")
    is_oauth_user: bool = Field(alias="isOAuthUser")
    primary_oauth_provider: str | None = Field(alias="primaryOAuthProvider")
    connected_providers: list[str] = Field(alias="connectedProviders")


class PasswordPolicy(ResponseBody):
    """The rules for a password, in words."""

    success: bool
    data: dict[str, Any]


class SignInMethods(ResponseBody):
    """Which ways of signing in there are."""

    success: bool
    data: dict[str, Any]
