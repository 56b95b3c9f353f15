"""Talking to an agent: as one answer, or as a stream."""

from starlette.responses import Response

from crafter.agents.dependencies import CurrentAgent
from crafter.agents.errors import AgentNotFound
from crafter.calling.dependencies import CurrentModels
from crafter.core.errors import UpstreamFailed, UpstreamTimedOut, documented
from crafter.core.runtime import CurrentRuntime
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.execution.answers import answer_to
from crafter.execution.caller import Caller
from crafter.execution.dependencies import AgentForAnyone
from crafter.execution.errors import REFUSALS
from crafter.execution.frames import EVENT_STREAM, stream_answer
from crafter.execution.schemas import ChatAnswer, ChatBody, StreamBody
from crafter.execution.turn import prepare
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission
from crafter.platform_access.dependencies import EitherAccess, require_role_or_scope

router = feature_router(
    "/organizations/{organization_id}/projects/{project_id}/agents/{agent_id}", tag="Running agents"
)


@router.post(
    "/chat",
    response_model=ChatAnswer,
    dependencies=[require(Permission.agents_chat)],
    responses=documented(AgentNotFound, *REFUSALS, UpstreamFailed, UpstreamTimedOut),
)
async def chat(
    agent: CurrentAgent, access: CurrentAccess, body: ChatBody, runtime: CurrentRuntime, models: CurrentModels
) -> Response:
    """Say something to an agent and wait for the whole answer. It is stored before you get it."""
    turn = await prepare(runtime, models, Caller.of(access), agent, body)
    return json_response(await answer_to(turn))


@router.post(
    "/chat/stream",
    response_class=Response,
    dependencies=[require_role_or_scope(Permission.agents_chat)],
    responses={**documented(AgentNotFound, *REFUSALS), **EVENT_STREAM},
)
async def chat_stream(
    agent: AgentForAnyone,
    access: EitherAccess,
    body: StreamBody,
    runtime: CurrentRuntime,
    models: CurrentModels,
) -> Response:
    """Say something to an agent and read the answer while it is made. Leaving early loses nothing: it is stored.

    Programs may come in as well, with a platform key.
    """
    return stream_answer(await prepare(runtime, models, Caller.of(access), agent, body))
