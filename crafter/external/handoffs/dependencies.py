"""From a platform key, or a session, to the conversation in the path."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from crafter.auth.credentials import read_credentials
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Conversation
from crafter.conversations.errors import ConversationNotFound
from crafter.core.errors import CrafterError
from crafter.core.ids import EntityId
from crafter.core.time import utc_now
from crafter.handoffs.dependencies import Case
from crafter.organizations.errors import ProjectAccessDenied
from crafter.organizations.permissions import Permission
from crafter.platform_access import service as platform_access
from crafter.platform_access.dependencies import CurrentSite, KeyAccess, KeyProject
from crafter.platform_access.restrictions import CallSite, check_site
from crafter.sessions.dependencies import CurrentVisitor


async def get_case(conversation_id: EntityId, project: KeyProject, access: KeyAccess) -> Case:
    """Any conversation of the project, for those who handle them; another project's is 404."""
    return Case(await conversation_service.get_conversation(project.scope, conversation_id), access)


async def get_talk(conversation_id: EntityId, project: KeyProject, access: KeyAccess) -> Conversation:
    """A conversation of the project that the program may go on in; all others are 404."""
    assert access.key is not None
    return await conversation_service.get_conversation(project.scope, conversation_id, key_id=access.key.id)


async def get_visited(conversation_id: EntityId, visitor: CurrentVisitor) -> Conversation:
    """A conversation that the visitor may go on in: of the session's agent, or of the key's projects."""
    access, agent = visitor.access, visitor.agent
    assert access.key is not None
    conversation = await conversation_service.get_conversation(
        access.scope, conversation_id, agent_id=agent.id if agent else None, key_id=access.key.id
    )
    try:
        access.require_project(conversation.project)
    except ProjectAccessDenied:
        raise ConversationNotFound from None
    return conversation


KeyCase = Annotated[Case, Depends(get_case)]
KeyTalk = Annotated[Conversation, Depends(get_talk)]
VisitedConversation = Annotated[Conversation, Depends(get_visited)]


@dataclass(frozen=True, slots=True)
class KeyWatcher:
    """A program that looks at a conversation for a while."""

    case: Case
    value: str | None = field(repr=False)
    site: CallSite

    async def still_allowed(self) -> bool:
        """Whether the key still lets its program in, as it did when the stream began; this is not counted."""
        conversation = self.case.conversation
        try:
            entry = await platform_access.identify(self.value, utc_now())
            platform_access.check_permission(entry.access, Permission.conversations_handle)
            check_site(entry.key.restrictions, self.site)
            await platform_access.enter(entry, conversation.organization, conversation.project)
        except CrafterError as refusal:
            if refusal.status >= 500:
                raise
            return False
        return True


async def get_watcher(case: KeyCase, request: Request, site: CurrentSite) -> KeyWatcher:
    """Who looks, with what it takes to look again whether they may."""
    return KeyWatcher(case, read_credentials(request.headers).api_key, site)


CurrentKeyWatcher = Annotated[KeyWatcher, Depends(get_watcher)]
