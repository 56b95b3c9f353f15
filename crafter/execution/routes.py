"""Talking to an agent: as one answer, or as a stream."""

from starlette.responses import Response

from crafter.agents.dependencies import CurrentAgent
from crafter.agents.errors import AgentNotFound
from crafter.api_keys.errors import CredentialInactive
from crafter.calling.dependencies import CurrentModels
from crafter.calling.errors import CapabilityMissing, ModelRetired
from crafter.conversations.errors import ConversationArchived, ConversationOfAnother
from crafter.core.errors import UpstreamFailed, UpstreamTimedOut, documented
from crafter.core.runtime import CurrentRuntime
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.execution import turn as turns
from crafter.execution.answers import canned_answer, chat_answer
from crafter.execution.errors import NoKeyConfigured, NotAChatbot
from crafter.execution.frames import chat_frames, stream_response
from crafter.execution.schemas import ChatAnswer, ChatBody
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission

router = feature_router(
    "/organizations/{organization_id}/projects/{project_id}/agents/{agent_id}", tag="Running agents"
)

_REFUSALS = (
    AgentNotFound,
    NotAChatbot,
    NoKeyConfigured,
    CredentialInactive,
    CapabilityMissing,
    ModelRetired,
    ConversationOfAnother,
    ConversationArchived,
)


@router.post(
    "/chat",
    response_model=ChatAnswer,
    dependencies=[require(Permission.agents_chat)],
    responses=documented(*_REFUSALS, UpstreamFailed, UpstreamTimedOut),
)
async def chat(
    agent: CurrentAgent, access: CurrentAccess, body: ChatBody, runtime: CurrentRuntime, models: CurrentModels
) -> Response:
    """Say something to an agent and wait for the whole answer. It is stored before you get it."""
    turn = await turns.prepare(runtime, models, access, agent, body)
    if turn.canned is not None:
        return json_response(canned_answer(turn))
    turns.start(turn, stream=False)
    return json_response(await chat_answer(turn))


@router.post(
    "/chat/stream",
    response_class=Response,
    dependencies=[require(Permission.agents_chat)],
    responses={
        **documented(*_REFUSALS),
        200: {
            "description": "Server-sent events: `connected`, `response_chunk`…, then `complete` or `error`.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
    },
)
async def chat_stream(
    agent: CurrentAgent, access: CurrentAccess, body: ChatBody, runtime: CurrentRuntime, models: CurrentModels
) -> Response:
    """Say something to an agent and read the answer while it is made. Leaving early loses nothing: it is stored."""
    turn = await turns.prepare(runtime, models, access, agent, body)
    if turn.canned is None:
        turns.start(turn, stream=True)
    return stream_response(chat_frames(turn))
