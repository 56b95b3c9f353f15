"""``/handoffs``: what operators see and do, in all of their organizations; and polling for messages."""

from typing import Annotated, Any

from fastapi import Depends, Query
from starlette.responses import Response

from crafter.auth.dependencies import CurrentUser, signed_in
from crafter.calling.dependencies import CurrentModels
from crafter.conversations import handling
from crafter.conversations.errors import ConversationArchived, ConversationNotFound
from crafter.conversations.handling import LATEST_REQUEST_FIRST, RECENT_FIRST, WAITING, WITH_A_HUMAN
from crafter.core.errors import documented
from crafter.core.ids import EntityId
from crafter.core.pagination import NumberedPage, numbered_page
from crafter.core.runtime import CurrentRuntime
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.execution.answers import usage_of
from crafter.execution.frames import stream_response
from crafter.handoffs import answers, presentation
from crafter.handoffs import service as handoff_service
from crafter.handoffs.dependencies import (
    CurrentCase,
    CurrentWatcher,
    IncludeSystem,
    Since,
    require_inside,
    watching,
)
from crafter.handoffs.errors import (
    AlreadyTaken,
    MessageRequired,
    NothingToHandBack,
    NotTheOperator,
    NotUnderHumanControl,
    NotWaiting,
)
from crafter.handoffs.polling import latest_messages
from crafter.handoffs.schemas import (
    ArchiveBody,
    Archived,
    ConversationDetails,
    Done,
    HandbackBody,
    HandledConversations,
    LatestMessages,
    OperatorMessageBody,
    RefusalBody,
    Refused,
    TakenOver,
    TakeoverBody,
)
from crafter.handoffs.streaming import OPERATOR_STREAM, frames
from crafter.organizations.dependencies import CurrentAccess, CurrentMemberships, require
from crafter.organizations.permissions import Permission

_MOST_IDS = 100

router = feature_router("/handoffs", tag="Handoffs")
polling_router = feature_router("/conversations", tag="Handoffs")

Numbered = Annotated[NumberedPage, Depends(numbered_page(20))]
Text = Annotated[str | None, Query(max_length=200)]
Several = Annotated[str | None, Query(max_length=4_000, description="Several, separated by commas.")]

_CONVERSATION = "/conversations/{conversation_id}"
_READ = require_inside(Permission.conversations_read)
_HANDLE = require_inside(Permission.conversations_handle)


@router.get("/pending", response_model=HandledConversations, dependencies=[signed_in])
async def list_pending(
    memberships: CurrentMemberships,
    page: Numbered,
    runtime: CurrentRuntime,
    urgency: Text = None,
    organization: Annotated[EntityId | None, Query(alias="organizationId")] = None,
    project: Annotated[EntityId | None, Query(alias="projectId")] = None,
) -> Response:
    """Conversations that wait for a human, in all of your organizations, the latest request first."""
    scopes = memberships.scopes(Permission.conversations_read, organization)
    where = {"status": WAITING, "handoff_info.urgency": urgency, "project": project}
    return json_response(await answers.listed(scopes, where, LATEST_REQUEST_FIRST, page, runtime))


@router.get(
    "/organizations/{organization_id}/pending",
    response_model=HandledConversations,
    dependencies=[require(Permission.conversations_read)],
)
async def list_pending_of_organization(
    access: CurrentAccess,
    page: Numbered,
    runtime: CurrentRuntime,
    urgency: Text = None,
    project: Annotated[EntityId | None, Query(alias="projectId")] = None,
) -> Response:
    """Conversations of an organization that wait for a human, the latest request first."""
    where = {"status": WAITING, "handoff_info.urgency": urgency, "project": project}
    return json_response(await answers.listed(access.scope, where, LATEST_REQUEST_FIRST, page, runtime))


@router.get("/my-conversations", response_model=HandledConversations, dependencies=[signed_in])
async def list_mine(
    memberships: CurrentMemberships,
    page: Numbered,
    runtime: CurrentRuntime,
    user: CurrentUser,
    external_operator_id: Text = None,
) -> Response:
    """Conversations that you have, or that an operator of another system has, the latest active first."""
    scopes = memberships.scopes(Permission.conversations_read)
    holder = {"handoff_info.assigned_human": user.id}
    if external_operator_id is not None:
        holder = {"handoff_info.assigned_external_operator.external_id": external_operator_id}
    return json_response(
        await answers.listed(scopes, {"status": WITH_A_HUMAN, **holder}, RECENT_FIRST, page, runtime)
    )


@router.get(
    "/organizations/{organization_id}/conversations",
    response_model=HandledConversations,
    dependencies=[require(Permission.conversations_read)],
)
async def list_of_organization(
    access: CurrentAccess,
    page: Numbered,
    runtime: CurrentRuntime,
    status: Text = None,
    channel: Several = None,
    archived: bool | None = None,
    ids: Annotated[str | None, Query(alias="conversationIds", max_length=4_000)] = None,
) -> Response:
    """Conversations of an organization, the latest active first."""
    where: dict[str, Any] = {"status": status, "channel": _any_of(channel), "_id": _any_of(ids)}
    if archived is not None:
        where["archived"] = True if archived else {"$ne": True}
    return json_response(await answers.listed(access.scope, where, RECENT_FIRST, page, runtime))


@router.get(
    _CONVERSATION,
    response_model=ConversationDetails,
    dependencies=[_READ],
    responses=documented(ConversationNotFound),
)
async def get_conversation(case: CurrentCase, runtime: CurrentRuntime) -> Response:
    """One conversation with its newest messages, at most 1,000."""
    return json_response(await answers.details(case.conversation, runtime))


@polling_router.get(
    "/{conversation_id}/messages/latest",
    response_model=LatestMessages,
    dependencies=[_READ],
    responses=documented(ConversationNotFound),
)
@router.get(
    _CONVERSATION + "/messages/latest",
    response_model=LatestMessages,
    dependencies=[_READ],
    responses=documented(ConversationNotFound),
)
async def get_latest_messages(
    case: CurrentCase, runtime: CurrentRuntime, since: Since = None, include_system: IncludeSystem = "true"
) -> Response:
    """The messages later than a moment, oldest first, and who handles the conversation."""
    system = include_system == "true"
    return json_response(
        await latest_messages(case.conversation, since, runtime.keyring, include_system=system)
    )


@router.get(
    _CONVERSATION + "/stream",
    response_class=Response,
    dependencies=[watching],
    responses={**documented(ConversationNotFound), **OPERATOR_STREAM},
)
async def stream(watcher: CurrentWatcher, runtime: CurrentRuntime) -> Response:
    """Watch a conversation go on, the history first. Who loses access is out within five seconds."""
    return stream_response(frames(watcher.case.conversation, runtime, watcher.still_allowed))


@router.post(
    _CONVERSATION + "/takeover",
    response_model=TakenOver,
    dependencies=[_HANDLE],
    responses=documented(AlreadyTaken, ConversationNotFound, ConversationArchived),
)
async def take_over(
    case: CurrentCase, body: TakeoverBody, runtime: CurrentRuntime, models: CurrentModels
) -> Response:
    """Take a conversation over, for yourself or for an operator of another system. Of two at once, one gets it."""
    return json_response(await answers.taken_over(case.conversation, case.access, body, runtime, models))


@router.post(
    _CONVERSATION + "/message",
    response_model=Done,
    dependencies=[_HANDLE],
    responses=documented(
        MessageRequired, NotUnderHumanControl, NotTheOperator, ConversationNotFound, ConversationArchived
    ),
)
async def send_message(
    case: CurrentCase, body: OperatorMessageBody, runtime: CurrentRuntime, models: CurrentModels
) -> Response:
    """Say something to the customer, as the operator who has the conversation."""
    return json_response(await answers.message_sent(case.conversation, case.access, body, runtime, models))


@router.post(
    _CONVERSATION + "/handback",
    response_model=Done,
    dependencies=[_HANDLE],
    responses=documented(NothingToHandBack, NotTheOperator, ConversationNotFound, ConversationArchived),
)
async def hand_back(case: CurrentCase, body: HandbackBody, runtime: CurrentRuntime) -> Response:
    """Give a conversation back to its agent."""
    operator = body.external_operator_id
    return json_response(await answers.handed_back(case.conversation, case.access, operator, runtime))


@router.post(
    _CONVERSATION + "/refuse",
    response_model=Refused,
    dependencies=[_HANDLE],
    responses=documented(NotWaiting, ConversationNotFound, ConversationArchived),
)
async def refuse(
    case: CurrentCase, body: RefusalBody, runtime: CurrentRuntime, models: CurrentModels
) -> Response:
    """Decline a request for a human; the agent goes on, and says something at once."""
    completed = await handoff_service.refuse(case.conversation, case.access, body, runtime, models)
    return json_response(
        Refused(
            message="Handoff refused and conversation returned to AI",
            ai_response=completed.message.content if completed else None,
            token_usage=usage_of(completed) if completed else None,
        )
    )


@router.patch(
    _CONVERSATION + "/archive",
    response_model=Archived,
    dependencies=[_HANDLE],
    responses=documented(ConversationNotFound),
)
async def archive(case: CurrentCase, body: ArchiveBody, runtime: CurrentRuntime) -> Response:
    """Archive a conversation, or take that back; without a body, the opposite of what it is now."""
    conversation = await handling.set_archived(case.conversation.scope, case.conversation.id, body.archived)
    return json_response(
        Archived(
            archived=conversation.archived,
            message=f"Conversation {'archived' if conversation.archived else 'unarchived'}",
            conversation=await presentation.show(conversation, runtime.keyring),
        )
    )


def _any_of(listed: str | None) -> dict[str, Any] | None:
    """The condition for a list with commas, of which the first 100 count."""
    if listed is None:
        return None
    return {"$in": [one.strip() for one in listed.split(",")][:_MOST_IDS]}
