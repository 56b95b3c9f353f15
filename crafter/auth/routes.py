"""``/auth``: accounts and tokens."""

from starlette.responses import Response

from crafter.auth import service as auth_service
from crafter.auth.dependencies import CurrentUser, signed_in
from crafter.auth.errors import AuthMethodDisabled, DomainNotAllowed, InvalidCredentials, SignupDisabled
from crafter.auth.schemas import (
    Login,
    PasswordPolicy,
    Profile,
    ProfileChanged,
    ProfileUpdate,
    Register,
    Registered,
    SignedIn,
    SignInMethods,
)
from crafter.core.access import public
from crafter.core.errors import documented
from crafter.core.runtime import CurrentRuntime
from crafter.core.time import utc_now
from crafter.edge.rate_limits import AUTH, GENERAL, LOGIN, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.users.errors import EmailTaken
from crafter.users.password_policy import policy_description

router = feature_router("/auth", tag="Accounts")


@router.get("/password-policy", response_model=PasswordPolicy, dependencies=[public, limited(GENERAL)])
async def get_password_policy() -> Response:
    """The rules that a new password must keep."""
    return json_response(PasswordPolicy(success=True, data=policy_description()))


@router.post(
    "/register",
    response_model=Registered,
    status_code=201,
    dependencies=[public, limited(AUTH)],
    responses=documented(EmailTaken, SignupDisabled, AuthMethodDisabled, DomainNotAllowed),
)
async def register(body: Register, runtime: CurrentRuntime) -> Response:
    """Make an account. The answer carries a token; send it as `Authorization: Bearer …`."""
    return json_response(await auth_service.register(body, runtime.settings), 201)


@router.post(
    "/login",
    response_model=SignedIn,
    dependencies=[public, limited(LOGIN)],
    responses=documented(InvalidCredentials, AuthMethodDisabled),
)
async def login(body: Login, runtime: CurrentRuntime) -> Response:
    """Exchange an address and its password for a token."""
    return json_response(await auth_service.login(body, runtime.settings, utc_now()))


@router.get("/profile", response_model=Profile, dependencies=[signed_in, limited(GENERAL)])
async def get_profile(user: CurrentUser) -> Response:
    """Your own account."""
    return json_response(await auth_service.get_profile(user.id))


@router.put("/profile", response_model=ProfileChanged, dependencies=[signed_in, limited(AUTH)])
async def update_profile(user: CurrentUser, body: ProfileUpdate, runtime: CurrentRuntime) -> Response:
    """Change your name or your password; what is blank or absent stays as it is.

    A new password signs you out everywhere else: go on with the token of the answer.
    """
    return json_response(await auth_service.update_profile(user.id, body, runtime.settings))


@router.get("/oauth/providers", response_model=SignInMethods, dependencies=[public, limited(GENERAL)])
async def list_sign_in_methods(runtime: CurrentRuntime) -> Response:
    """Which ways of signing in there are."""
    return json_response(SignInMethods(success=True, data=auth_service.sign_in_methods(runtime.settings)))
