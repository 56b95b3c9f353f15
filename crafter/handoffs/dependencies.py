"""From a conversation's id, without its organization, to the document and what the caller may do with it."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query

from crafter.conversations.documents import Conversation
from crafter.core.access import AccessRule, gate
from crafter.core.ids import EntityId
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


Since = Annotated[
    str | None,
    Query(max_length=64, description="A time such as `2026-01-31T09:15:00.123Z`; by default 30 seconds ago."),
]
IncludeSystem = Annotated[
    str, Query(max_length=16, description="Anything but `true` leaves system messages out.")
]
