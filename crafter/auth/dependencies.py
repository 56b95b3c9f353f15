"""From the Authorization header to the person who asks."""

from typing import Annotated

from fastapi import Depends, Request

from crafter.auth.credentials import read_credentials
from crafter.auth.errors import AuthenticationRequired, OperatorOnly
from crafter.auth.operators import operator_addresses
from crafter.auth.tokens import InvalidToken, verify_token
from crafter.core.access import AccessRule, gate
from crafter.core.config import Settings
from crafter.core.runtime import CurrentRuntime
from crafter.users import service as user_service
from crafter.users.service import Identity


async def get_current_user(request: Request, runtime: CurrentRuntime) -> Identity:
    """The account that a genuine, unexpired token names; read afresh, so a deleted account is out at once."""
    credentials = read_credentials(request.headers)
    if credentials.ambiguous:
        raise InvalidToken
    if credentials.token is None:
        raise AuthenticationRequired
    return await identify(credentials.token, runtime.settings)


async def identify(raw: str, settings: Settings) -> Identity:
    """Whom a token names, as they are now. Raises InvalidToken, also for one from before a change of password."""
    token = verify_token(raw, settings)
    user = await user_service.get_identity(token.user)
    since = user.tokens_valid_after
    if since is not None and token.issued < int(since.timestamp()):
        raise InvalidToken
    return user


CurrentUser = Annotated[Identity, Depends(get_current_user)]


async def _signed_in(_user: CurrentUser) -> None:
    """Whoever has a genuine token."""


async def _operator(user: CurrentUser, runtime: CurrentRuntime) -> None:
    if user.email not in operator_addresses(runtime.settings):
        raise OperatorOnly


signed_in = gate(AccessRule("signed_in"), _signed_in)
"""Anybody with an account may use the route."""

operator = gate(AccessRule("operator"), _operator)
"""Only the people listed in CRAFTER_OPERATORS may use the route."""
