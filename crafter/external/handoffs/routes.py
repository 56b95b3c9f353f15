"""``/external``: handoffs and operators with a platform key, and polling with a key or a session."""

from typing import Annotated

from fastapi import Depends, Path, Query
from starlette.responses import Response

from crafter.calling.dependencies import CurrentModels
from crafter.conversations.errors import ConversationArchived, ConversationNotFound
from crafter.conversations.handling import LATEST_REQUEST_FIRST, RECENT_FIRST, WAITING, WITH_A_HUMAN
from crafter.core.errors import documented
from crafter.core.pagination import NumberedPage, numbered_page
from crafter.core.runtime import CurrentRuntime
from crafter.edge.rate_limits import GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.execution.frames import stream_response
from crafter.external.handoffs.dependencies import (
    CurrentKeyWatcher,
    KeyCase,
    KeyTalk,
    VisitedConversation,
)
from crafter.handoffs import answers
from crafter.handoffs.dependencies import IncludeSystem, Since
from crafter.handoffs.errors import (
    AlreadyTaken,
    MessageRequired,
    NothingToHandBack,
    NotTheOperator,
    NotUnderHumanControl,
)
from crafter.handoffs.polling import latest_messages
from crafter.handoffs.schemas import (
    ConversationDetails,
    Done,
    HandbackBody,
    HandledConversations,
    LatestMessages,
    OperatorMessageBody,
    TakenOver,
    TakeoverBody,
)
from crafter.handoffs.streaming import OPERATOR_STREAM, frames
from crafter.operators import service as operator_service
from crafter.operators.documents import OperatorStatus
from crafter.operators.errors import OperatorNotFound
from crafter.operators.schemas import (
    BulkStatusChange,
    OperatorAnswer,
    OperatorDeleted,
    OperatorList,
    OperatorPut,
    OperatorsChanged,
    StatusChange,
)
from crafter.organizations.permissions import Permission
from crafter.platform_access.dependencies import KeyAccess, KeyProject, require_scope
from crafter.sessions.dependencies import visitor

router = feature_router("/external", tag="For programs")

Numbered = Annotated[NumberedPage, Depends(numbered_page(20))]
Text = Annotated[str | None, Query(max_length=200)]
ExternalId = Annotated[str, Path(max_length=200)]

_PROJECT = "/organizations/{organization_id}/projects/{project_id}"
_CONVERSATION = _PROJECT + "/conversations/{conversation_id}"
_OPERATORS = _PROJECT + "/operators"
_OPERATOR = _OPERATORS + "/{external_id}"
_HANDLE = [require_scope(Permission.conversations_handle), limited(GENERAL)]
_MANAGE = [require_scope(Permission.operators_manage), limited(GENERAL)]


@router.get(
    "/conversations/{conversation_id}/messages/latest",
    response_model=LatestMessages,
    dependencies=[visitor, limited(GENERAL)],
    responses=documented(ConversationNotFound),
)
async def poll(
    conversation: VisitedConversation,
    runtime: CurrentRuntime,
    since: Since = None,
    include_system: IncludeSystem = "true",
) -> Response:
    """The messages later than a moment, oldest first. A session uses up no interaction."""
    system = include_system == "true"
    return json_response(await latest_messages(conversation, since, runtime.keyring, include_system=system))


@router.get(
    _CONVERSATION + "/messages/latest",
    response_model=LatestMessages,
    dependencies=[require_scope(Permission.agents_chat), limited(GENERAL)],
    responses=documented(ConversationNotFound),
)
async def poll_in_project(
    conversation: KeyTalk,
    runtime: CurrentRuntime,
    since: Since = None,
    include_system: IncludeSystem = "true",
) -> Response:
    """The messages later than a moment, oldest first."""
    system = include_system == "true"
    return json_response(await latest_messages(conversation, since, runtime.keyring, include_system=system))


@router.get(_PROJECT + "/handoffs/pending", response_model=HandledConversations, dependencies=_HANDLE)
async def list_pending(
    project: KeyProject, page: Numbered, runtime: CurrentRuntime, urgency: Text = None
) -> Response:
    """Conversations of a project that wait for a human, the latest request first."""
    where = {"status": WAITING, "handoff_info.urgency": urgency}
    return json_response(await answers.listed(project.scope, where, LATEST_REQUEST_FIRST, page, runtime))


@router.get(
    _PROJECT + "/handoffs/my-conversations", response_model=HandledConversations, dependencies=_HANDLE
)
async def list_mine(
    project: KeyProject,
    access: KeyAccess,
    page: Numbered,
    runtime: CurrentRuntime,
    external_operator_id: Text = None,
) -> Response:
    """Conversations that an operator of your system has, or else the person whose key it is."""
    holder = {"handoff_info.assigned_human": access.user.id}
    if external_operator_id is not None:
        holder = {"handoff_info.assigned_external_operator.external_id": external_operator_id}
    where = {"status": WITH_A_HUMAN, **holder}
    return json_response(await answers.listed(project.scope, where, RECENT_FIRST, page, runtime))


@router.get(
    _CONVERSATION,
    response_model=ConversationDetails,
    dependencies=_HANDLE,
    responses=documented(ConversationNotFound),
)
async def get_conversation(case: KeyCase, runtime: CurrentRuntime) -> Response:
    """One conversation with its newest messages, at most 1,000."""
    return json_response(await answers.details(case.conversation, runtime))


@router.get(
    _CONVERSATION + "/stream",
    response_class=Response,
    dependencies=[require_scope(Permission.conversations_handle)],
    responses={**documented(ConversationNotFound), **OPERATOR_STREAM},
)
async def stream(watcher: CurrentKeyWatcher, runtime: CurrentRuntime) -> Response:
    """Watch a conversation go on, the history first. A key that is revoked is out within five seconds."""
    return stream_response(frames(watcher.case.conversation, runtime, watcher.still_allowed))


@router.post(
    _CONVERSATION + "/takeover",
    response_model=TakenOver,
    dependencies=_HANDLE,
    responses=documented(AlreadyTaken, ConversationNotFound, ConversationArchived),
)
async def take_over(
    case: KeyCase, body: TakeoverBody, runtime: CurrentRuntime, models: CurrentModels
) -> Response:
    """Take a conversation over for an operator of your system, or else for the person whose key it is."""
    return json_response(await answers.taken_over(case.conversation, case.access, body, runtime, models))


@router.post(
    _CONVERSATION + "/message",
    response_model=Done,
    dependencies=_HANDLE,
    responses=documented(
        MessageRequired, NotUnderHumanControl, NotTheOperator, ConversationNotFound, ConversationArchived
    ),
)
async def send_message(
    case: KeyCase, body: OperatorMessageBody, runtime: CurrentRuntime, models: CurrentModels
) -> Response:
    """Say something to the customer, as the operator who has the conversation."""
    return json_response(await answers.message_sent(case.conversation, case.access, body, runtime, models))


@router.post(
    _CONVERSATION + "/handback",
    response_model=Done,
    dependencies=_HANDLE,
    responses=documented(NothingToHandBack, NotTheOperator, ConversationNotFound, ConversationArchived),
)
async def hand_back(case: KeyCase, body: HandbackBody, runtime: CurrentRuntime) -> Response:
    """Give a conversation back to its agent."""
    operator = body.external_operator_id
    return json_response(await answers.handed_back(case.conversation, case.access, operator, runtime))


@router.put(_OPERATORS, response_model=OperatorAnswer, dependencies=_MANAGE)
async def put_operator(project: KeyProject, body: OperatorPut) -> Response:
    """Make an operator, or change the one with that external id."""
    return json_response(OperatorAnswer(operator=await operator_service.put_operator(project, body)))


@router.get(_OPERATORS, response_model=OperatorList, dependencies=_MANAGE)
async def list_operators(
    project: KeyProject, status: OperatorStatus | None = None, skill: Text = None
) -> Response:
    """The operators of a project by name."""
    found = await operator_service.list_operators(project.scope, status=status, skill=skill)
    return json_response(OperatorList(operators=found))


@router.patch(_OPERATORS + "/bulk/status", response_model=OperatorsChanged, dependencies=_MANAGE)
async def set_statuses(project: KeyProject, body: BulkStatusChange) -> Response:
    """Say whether several operators are there, or all of them."""
    count = await operator_service.set_statuses(project.scope, body.operator_ids, body.status)
    return json_response(OperatorsChanged(modified_count=count))


@router.get(
    _OPERATOR, response_model=OperatorAnswer, dependencies=_MANAGE, responses=documented(OperatorNotFound)
)
async def get_operator(project: KeyProject, external_id: ExternalId) -> Response:
    """One operator."""
    found = await operator_service.get_operator(project.scope, external_id)
    return json_response(OperatorAnswer(operator=found))


@router.patch(
    _OPERATOR + "/status",
    response_model=OperatorAnswer,
    dependencies=_MANAGE,
    responses=documented(OperatorNotFound),
)
async def set_status(project: KeyProject, external_id: ExternalId, body: StatusChange) -> Response:
    """Say whether an operator is there."""
    changed = await operator_service.set_status(project.scope, external_id, body.status)
    return json_response(OperatorAnswer(operator=changed))


@router.delete(
    _OPERATOR, response_model=OperatorDeleted, dependencies=_MANAGE, responses=documented(OperatorNotFound)
)
async def delete_operator(project: KeyProject, external_id: ExternalId) -> Response:
    """Forget an operator; what they said stays."""
    await operator_service.delete_operator(project.scope, external_id)
    return json_response(OperatorDeleted())
