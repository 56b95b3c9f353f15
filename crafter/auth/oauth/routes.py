"""``/auth/google``, ``/auth/github`` and what belongs to them."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from crafter.auth.dependencies import CurrentUser, signed_in
from crafter.auth.oauth import service as oauth_service
from crafter.auth.oauth.dependencies import (
    GivenReason,
    ProviderAnswer,
    drop_ticket,
    keep_ticket,
    read_ticket,
)
from crafter.auth.oauth.errors import OAuthDisabled, ProviderNotConfigured
from crafter.auth.oauth.providers import ProviderName
from crafter.auth.oauth.schemas import Unlinked
from crafter.core.access import public
from crafter.core.errors import documented
from crafter.core.runtime import CurrentRuntime
from crafter.core.time import utc_now
from crafter.edge.rate_limits import AUTH, GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import API, feature_router
from crafter.users import service as user_service
from crafter.users.errors import LastAuthMethod

router = feature_router("", tag="Accounts")

_REDIRECT: dict[int | str, dict[str, Any]] = {
    302: {"description": "The browser goes on to the address in `Location`."}
}


def _begin(name: ProviderName) -> Callable[..., Awaitable[Response]]:
    async def begin_login(runtime: CurrentRuntime) -> Response:
        """Sign in with a provider: for browsers, which go on to the provider's page."""
        provider = oauth_service.get_provider(name, runtime.settings)
        departure = oauth_service.begin_login(provider, runtime.settings, utc_now())
        response = _redirect(departure.url)
        keep_ticket(response, provider, departure.ticket)
        return response

    return begin_login


def _finish(name: ProviderName) -> Callable[..., Awaitable[Response]]:
    async def finish_login(request: Request, answer: ProviderAnswer, runtime: CurrentRuntime) -> Response:
        """Where the provider sends the browser back to; it goes on to the web UI, with a token or a reason."""
        provider = oauth_service.get_provider(name, runtime.settings)
        ticket = read_ticket(request, provider)
        url = await oauth_service.finish_login(provider, answer, ticket, runtime.settings, utc_now())
        response = _redirect(url)
        drop_ticket(response, provider)
        return response

    return finish_login


def _redirect(url: str) -> Response:
    return RedirectResponse(url, 302, headers={"Cache-Control": "no-store"})


for _name in ProviderName:
    _start, _callback = f"/auth/{_name}", f"/auth/{_name}/callback"
    # The register page of the web UI repeats the base path of the API.
    for _path in (_start, f"{API}{_start}", _callback):
        router.add_api_route(
            _path,
            (_finish if _path == _callback else _begin)(_name),
            methods=["GET"],
            status_code=302,
            response_class=RedirectResponse,
            dependencies=[public, limited(AUTH)],
            responses=_REDIRECT | documented(OAuthDisabled, ProviderNotConfigured),
            include_in_schema=not _path.startswith(API),
        )


@router.get("/auth/failure", status_code=302, response_class=RedirectResponse, dependencies=[public])
async def report_failure(reason: GivenReason, runtime: CurrentRuntime) -> Response:
    """On to the page of the web UI that explains why a login ended; `error` is one of its reasons."""
    return _redirect(oauth_service.failure_url(reason, runtime.settings))


@router.delete(
    "/auth/oauth/{provider}",
    response_model=Unlinked,
    dependencies=[signed_in, limited(GENERAL)],
    responses=documented(LastAuthMethod),
)
async def unlink_provider(provider: ProviderName, user: CurrentUser) -> Response:
    """End the link between your account and a provider, as long as another way in stays."""
    await user_service.unlink_user(user.id, provider)
    return json_response(Unlinked(success=True, message=f"{provider} account unlinked successfully"))
