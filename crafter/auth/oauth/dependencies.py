"""What browsers bring along: the ticket in its cookie, the provider's answer in the query."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from crafter.auth.oauth.errors import Reason
from crafter.auth.oauth.providers import Provider
from crafter.auth.oauth.service import Answer
from crafter.auth.oauth.tickets import LIFETIME

_VALUE_LENGTH = 2048


async def _read_answer(request: Request) -> Answer:
    """The provider's answer. A parameter that is not there exactly once is as good as none."""
    return Answer(state=_only(request, "state"), code=_only(request, "code"))


async def _read_reason(request: Request) -> Reason:
    """The reason in ``?error=``; one that is not ours is not repeated."""
    given = _only(request, "error")
    return next((reason for reason in Reason if reason == given), Reason.authentication_failed)


ProviderAnswer = Annotated[Answer, Depends(_read_answer)]
GivenReason = Annotated[Reason, Depends(_read_reason)]


def read_ticket(request: Request, provider: Provider) -> str | None:
    """The sealed ticket that the browser kept, if there is one."""
    return request.cookies.get(_cookie_name(provider))


def keep_ticket(response: Response, provider: Provider, sealed: str) -> None:
    """Have the browser keep the ticket, for this site alone, until its login is over or too old."""
    _set_cookie(response, provider, sealed, int(LIFETIME.total_seconds()))


def drop_ticket(response: Response, provider: Provider) -> None:
    """Have the browser forget the ticket."""
    _set_cookie(response, provider, "", 0)


def _set_cookie(response: Response, provider: Provider, value: str, max_age: int) -> None:
    # Lax, since the browser comes back from another site: by a link, which Strict would not let it show.
    response.set_cookie(
        _cookie_name(provider),
        value,
        max_age=max_age,
        path="/",
        secure=provider.over_https,
        httponly=True,
        samesite="lax",
    )


def _cookie_name(provider: Provider) -> str:
    """Browsers take ``__Host-`` over https only, and from nobody but this host: no sibling can plant a ticket."""
    return "__Host-crafter-login" if provider.over_https else "crafter-login"


def _only(request: Request, name: str) -> str:
    given = request.query_params.getlist(name)
    return given[0] if len(given) == 1 and len(given[0]) <= _VALUE_LENGTH else ""
