"""From a session token to its visit; some routes admit a platform key instead."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError

from crafter.agents.documents import Agent
from crafter.auth.credentials import read_credentials
from crafter.core.access import AccessRule, gate
from crafter.core.errors import CrafterError
from crafter.core.runtime import CurrentRuntime
from crafter.core.time import utc_now
from crafter.organizations.service import Access
from crafter.platform_access.dependencies import admit, call_site, get_entry
from crafter.sessions import visits
from crafter.sessions.errors import InvalidSessionToken, VisitorUnknown
from crafter.sessions.visits import Visit


@dataclass(frozen=True, slots=True)
class Visitor:
    """A program that looks in: what its key may do, and the agent that it is bound to if it came with a session."""

    access: Access
    agent: Agent | None


async def get_visit(request: Request, runtime: CurrentRuntime) -> Visit:
    """The session at the door, with an interaction left."""
    return await _open_session(request, runtime, counted=True)


CurrentVisit = Annotated[Visit, Depends(get_visit)]


async def _interact(visit: CurrentVisit) -> AsyncIterator[None]:
    """One interaction is used up before the body is looked at; it is given back if we fail to do what is asked."""
    await visits.use_interaction(visit, utc_now())
    try:
        yield
    except Exception as error:
        if _is_our_fault(error):
            await visits.give_back(visit)
        raise


async def get_visitor(request: Request, runtime: CurrentRuntime) -> Visitor:
    """Whoever comes with a session, or else with a key of any scope. Only the use of a key is counted."""
    credentials = read_credentials(request.headers)
    if credentials.ambiguous or credentials.session_token is not None:
        visit = await _open_session(request, runtime, counted=False)
        return Visitor(visit.access, visit.agent)
    if credentials.api_key is None:
        raise VisitorUnknown
    entry = await get_entry(request)
    await admit(entry, None, request)
    return Visitor(entry.access, None)


CurrentVisitor = Annotated[Visitor, Depends(get_visitor)]
"""Whoever comes with a session or a key; on routes behind :data:`visitor`."""


async def _let_in(_visitor: CurrentVisitor) -> None:
    """Whoever comes with a session or a key."""


interaction = gate(AccessRule("session"), _interact)
"""A gate for ``dependencies=[…]``: end users with a session, each call using up an interaction."""

visitor = gate(AccessRule("visitor"), _let_in)
"""A gate for ``dependencies=[…]``: end users with a session, whose interactions stay, and programs with a key."""


async def _open_session(request: Request, runtime: CurrentRuntime, *, counted: bool) -> Visit:
    credentials = read_credentials(request.headers)
    if credentials.ambiguous:
        raise InvalidSessionToken
    return await visits.open_session(
        credentials.session_token,
        call_site(request),
        utc_now(),
        same_address=runtime.settings.enforce_session_ip_consistency,
        counted=counted,
    )


def _is_our_fault(error: Exception) -> bool:
    if isinstance(error, CrafterError):
        return error.status >= 500
    return not isinstance(error, RequestValidationError)
