"""From a conversation's id, without its organization, to the document and what the caller may do with it."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from crafter.auth.credentials import read_credentials
from crafter.auth.dependencies import identify
from crafter.auth.errors import AuthenticationRequired
from crafter.auth.tokens import InvalidToken
from crafter.conversations.documents import Conversation
from crafter.core.access import AccessRule, gate
from crafter.core.config import Settings
from crafter.core.errors import CrafterError
from crafter.core.ids import EntityId
from crafter.core.runtime import CurrentRuntime
from crafter.handoffs import service as handoff_service
from crafter.organizations import service as organization_service
from crafter.organizations.dependencies import CurrentMemberships
from crafter.organizations.permissions import Permission
from crafter.organizations.service import Access


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation, and what the caller may do where it belongs."""

    conversation: Conversation
    access: Access


async def get_case(conversation_id: EntityId, memberships: CurrentMemberships) -> Case:
    """A conversation in one of the caller's organizations; all others are 404."""
    return Case(*await handoff_service.get_conversation(memberships, conversation_id))


CurrentCase = Annotated[Case, Depends(get_case)]


def require_inside(permission: Permission) -> Any:
    """A gate for ``dependencies=[…]``: members of the conversation's organization whose role may do it."""

    async def check(case: CurrentCase) -> None:
        organization_service.check_role(case.access, permission)

    return gate(AccessRule("insider", permission), check)


@dataclass(frozen=True, slots=True)
class Watcher:
    """Somebody who looks at a conversation for a while."""

    case: Case
    token: str = field(repr=False)
    settings: Settings = field(repr=False)

    async def still_allowed(self) -> bool:
        """Whether the token still lets its holder in, as it did when the stream began."""
        try:
            await _look(self.token, self.case.conversation.id, self.settings)
        except CrafterError as refusal:
            if refusal.status >= 500:
                raise
            return False
        return True


async def get_watcher(
    conversation_id: EntityId,
    request: Request,
    runtime: CurrentRuntime,
    token: Annotated[
        str | None,
        Query(max_length=4_096, description="For browsers' `EventSource`, which sends no headers."),
    ] = None,
) -> Watcher:
    """Who is signed in by the header, or else by ``?token=``; a conversation of others is 404."""
    credentials = read_credentials(request.headers)
    if credentials.ambiguous:
        raise InvalidToken
    presented = credentials.token or token
    if not presented:
        raise AuthenticationRequired
    case = await _look(presented, conversation_id, runtime.settings)
    return Watcher(case, presented, runtime.settings)


CurrentWatcher = Annotated[Watcher, Depends(get_watcher)]


async def _look(token: str, conversation_id: str, settings: Settings) -> Case:
    user = await identify(token, settings)
    memberships = await organization_service.get_memberships(user)
    case = await get_case(conversation_id, memberships)
    organization_service.check_role(case.access, Permission.conversations_read)
    return case


async def _may_watch(_watcher: CurrentWatcher) -> None:
    """Everything is checked on the way to the watcher."""


watching = gate(AccessRule("insider", Permission.conversations_read), _may_watch)
"""Members of the conversation's organization whose role may read; the token may be in the query."""

Since = Annotated[
    str | None,
    Query(max_length=64, description="A time such as `2026-01-31T09:15:00.123Z`; by default 30 seconds ago."),
]
IncludeSystem = Annotated[
    str, Query(max_length=16, description="Anything but `true` leaves system messages out.")
]
