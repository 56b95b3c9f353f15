"""Conversations: below an agent as the contract has them, and below a project with more to do."""

from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from crafter.agents import service as agent_service
from crafter.agents.dependencies import CurrentAgent
from crafter.agents.errors import AgentNotFound
from crafter.conversations import messages as message_store
from crafter.conversations import presentation, privacy
from crafter.conversations import service as conversation_service
from crafter.conversations.dependencies import ConversationOfAgent, CurrentConversation
from crafter.conversations.documents import Conversation, Lifecycle, Message
from crafter.conversations.errors import ConversationArchived, ConversationNotFound, IllegalTransition
from crafter.conversations.messages import MessagePage, Placed
from crafter.conversations.schemas import (
    ConversationCreate,
    ConversationList,
    ConversationPage,
    ConversationRead,
    ConversationsDeleted,
    MessageAppend,
    MessageList,
    MessageRead,
)
from crafter.core.errors import documented
from crafter.core.ids import EntityId
from crafter.core.pagination import CursorPage, NumberedPage, cursor_page, numbered_page, page_body
from crafter.core.runtime import CurrentRuntime
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission
from crafter.projects.dependencies import CurrentProject

MOST_MESSAGES = 1_000

agent_router = feature_router(
    "/organizations/{organization_id}/projects/{project_id}/agents/{agent_id}/conversations",
    tag="Conversations",
)
project_router = feature_router(
    "/organizations/{organization_id}/projects/{project_id}/conversations", tag="Conversations"
)

Numbered = Annotated[NumberedPage, Depends(numbered_page())]
Cursored = Annotated[CursorPage, Depends(cursor_page)]
Text = Annotated[str | None, Query(max_length=200)]
Sequence = Annotated[int | None, Query(ge=0, le=2**31)]
MessageLimit = Annotated[int, Query(ge=1, le=200, description="Messages per page.")]


@agent_router.get("", response_model=ConversationPage, dependencies=[require(Permission.conversations_read)])
async def list_of_agent(
    agent: CurrentAgent, page: Numbered, user_identifier: Text = None, status: Text = None
) -> Response:
    """An agent's conversations, the latest active first, without their messages."""
    rows, total = await conversation_service.list_numbered(
        agent.scope, agent.id, page, user_identifier=user_identifier, status=status
    )
    conversations = [presentation.show_summary(row) for row in rows]
    return json_response(
        ConversationPage(total=total, page=page.page, limit=page.limit, conversations=conversations)
    )


@agent_router.get(
    "/{conversation_id}",
    response_model=ConversationRead,
    dependencies=[require(Permission.conversations_read)],
    responses=documented(AgentNotFound, ConversationNotFound),
)
async def get_of_agent(conversation: ConversationOfAgent, runtime: CurrentRuntime) -> Response:
    """One conversation with its newest messages, at most 1,000; page through all with `…/messages`."""
    return await _answer(conversation, runtime)


@agent_router.delete(
    "",
    response_model=ConversationsDeleted,
    dependencies=[require(Permission.conversations_delete)],
    responses=documented(AgentNotFound),
)
async def delete_of_agent(agent: CurrentAgent) -> Response:
    """Delete all conversations of an agent."""
    deleted = await conversation_service.delete_all(agent)
    return json_response(
        ConversationsDeleted(message="All conversations deleted successfully", deleted_count=deleted)
    )


@project_router.post(
    "",
    response_model=ConversationRead,
    status_code=201,
    dependencies=[require(Permission.conversations_write)],
    responses=documented(AgentNotFound),
)
async def create_conversation(
    project: CurrentProject, access: CurrentAccess, body: ConversationCreate, runtime: CurrentRuntime
) -> Response:
    """Begin a conversation with an agent of this project."""
    agent = await agent_service.get_agent(project.scope, body.agent)
    conversation = await conversation_service.create_conversation(
        agent, user=access.user.id, user_identifier=body.user_identifier, title=body.title
    )
    return json_response(presentation.show(conversation, MessagePage([], 0), runtime.keyring), 201)


@project_router.get(
    "", response_model=ConversationList, dependencies=[require(Permission.conversations_read)]
)
async def list_conversations(
    project: CurrentProject,
    page: Cursored,
    runtime: CurrentRuntime,
    agent: Text = None,
    user: Text = None,
    user_identifier: Text = None,
    status: Text = None,
    lifecycle: Lifecycle = "active",
) -> Response:
    """The project's conversations, the latest active first; archived ones only with `lifecycle=archived`."""
    rows, following = await conversation_service.list_page(
        project.scope,
        page,
        runtime.cursors,
        lifecycle=lifecycle,
        agent=agent,
        user=user,
        user_identifier=user_identifier,
        status=status,
    )
    return json_response(page_body([presentation.show_summary(row) for row in rows], next_cursor=following))


@project_router.get(
    "/{conversation_id}",
    response_model=ConversationRead,
    dependencies=[require(Permission.conversations_read)],
    responses=documented(ConversationNotFound),
)
async def get_conversation(conversation: CurrentConversation, runtime: CurrentRuntime) -> Response:
    """One conversation with its newest messages, at most 1,000; page through all with `…/messages`."""
    return await _answer(conversation, runtime)


@project_router.get(
    "/{conversation_id}/messages",
    response_model=MessageList,
    dependencies=[require(Permission.conversations_read)],
    responses=documented(ConversationNotFound),
)
async def list_messages(
    conversation: CurrentConversation,
    runtime: CurrentRuntime,
    before: Sequence = None,
    after: Sequence = None,
    limit: MessageLimit = 50,
) -> Response:
    """The newest messages, or those before or after a sequence number; always in order."""
    if before is None and after is None:
        page = await message_store.read_newest(conversation.scope, conversation.id, limit)
    else:
        page = await message_store.read_page(
            conversation.scope, conversation.id, before=before, after=after, limit=limit
        )
    return json_response(presentation.show_message_page(conversation, page, runtime.keyring))


@project_router.post(
    "/{conversation_id}/messages",
    response_model=MessageRead,
    status_code=201,
    dependencies=[require(Permission.conversations_write)],
    responses=documented(ConversationNotFound, ConversationArchived),
)
async def append_message(
    conversation: CurrentConversation, access: CurrentAccess, body: MessageAppend, runtime: CurrentRuntime
) -> Response:
    """Add a message that was said elsewhere. The agent does not run; to talk to it, use its `chat`."""
    conversation_service.require_writable(conversation)
    message = Message(role=body.role, content=body.content, user=access.user.id)
    sealed = privacy.seal(conversation, message, runtime.keyring)
    added = await message_store.append_messages(conversation.scope, conversation.id, [sealed])
    [shown] = presentation.show_messages(conversation, [Placed(added.seq, sealed)], runtime.keyring)
    return json_response(shown, 201)


@project_router.post(
    "/{conversation_id}:archive",
    response_model=ConversationRead,
    dependencies=[require(Permission.conversations_write)],
    responses=documented(ConversationNotFound, IllegalTransition),
)
async def archive_conversation(
    project: CurrentProject, conversation_id: EntityId, runtime: CurrentRuntime
) -> Response:
    """Make a conversation read-only and hide it from lists."""
    return await _answer(
        await conversation_service.set_lifecycle(project.scope, conversation_id, "archived"), runtime
    )


@project_router.post(
    "/{conversation_id}:unarchive",
    response_model=ConversationRead,
    dependencies=[require(Permission.conversations_write)],
    responses=documented(ConversationNotFound, IllegalTransition),
)
async def unarchive_conversation(
    project: CurrentProject, conversation_id: EntityId, runtime: CurrentRuntime
) -> Response:
    """Make an archived conversation active again."""
    return await _answer(
        await conversation_service.set_lifecycle(project.scope, conversation_id, "active"), runtime
    )


@project_router.delete(
    "/{conversation_id}",
    status_code=204,
    dependencies=[require(Permission.conversations_delete)],
    responses=documented(ConversationNotFound),
)
async def delete_conversation(project: CurrentProject, conversation_id: EntityId) -> Response:
    """Delete a conversation and all its messages."""
    await conversation_service.delete_conversation(project.scope, conversation_id)
    return Response(status_code=204)


async def _answer(conversation: Conversation, runtime: CurrentRuntime) -> Response:
    page = await message_store.read_newest(conversation.scope, conversation.id, MOST_MESSAGES)
    return json_response(presentation.show(conversation, page, runtime.keyring))
