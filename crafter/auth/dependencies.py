"""From the Authorization header to the person who asks."""

from typing import Annotated

from fastapi import Depends, Request

from crafter.auth.errors import AuthenticationRequired, OperatorOnly
from crafter.auth.operators import operator_addresses
from crafter.auth.tokens import InvalidToken, read_bearer, verify_token
from crafter.core.access import AccessRule, gate
from crafter.core.runtime import CurrentRuntime
from crafter.users import service as user_service
from crafter.users.service import Identity


async def get_current_user(request: Request, runtime: CurrentRuntime) -> Identity:
    """The account that a genuine, unexpired token names; read afresh, so a deleted account is out at once."""
    headers = request.headers.getlist("authorization")
    if len(headers) > 1:
        raise InvalidToken
    token = read_bearer(headers[0] if headers else None)
    if token is None:
        raise AuthenticationRequired
    return await user_service.get_identity(verify_token(token, runtime.settings))


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
