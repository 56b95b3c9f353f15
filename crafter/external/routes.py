"""``/external``: what programs do with a platform key, and their end users with a session."""

from starlette.responses import Response

from crafter.agents import service as agent_service
from crafter.agents.errors import AgentNotFound
from crafter.calling.dependencies import CurrentModels
from crafter.core.errors import documented
from crafter.core.runtime import CurrentRuntime
from crafter.edge.rate_limits import GENERAL, PROXY, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.execution.caller import Caller
from crafter.execution.errors import REFUSALS
from crafter.execution.frames import EVENT_STREAM, stream_answer
from crafter.external import presentation
from crafter.external.dependencies import KeyAgent
from crafter.external.errors import (
    ExecutionFailed,
    ExecutionTimedOut,
    MediaStorageNotConfigured,
    UploadNotFound,
)
from crafter.external.presentation import SessionEnding
from crafter.external.schemas import (
    AgentDetails,
    AgentSummary,
    KeyChatAnswer,
    KeyUsageRead,
    ProgramQuestion,
    ProjectAccess,
    ProjectSummary,
    SessionChatAnswer,
)
from crafter.external.talking import ask, begin, caller_of
from crafter.organizations.permissions import Permission
from crafter.platform_access.dependencies import CurrentEntry, KeyAccess, KeyProject, require_scope
from crafter.projects import service as project_service
from crafter.sessions.dependencies import CurrentVisit, interaction
from crafter.user_api_keys.schemas import Answer

router = feature_router("/external", tag="For programs")

_PROJECTS = "/organizations/{organization_id}/projects"
_PROJECT = _PROJECTS + "/{project_id}"
_FAILURES = (*REFUSALS, UploadNotFound, ExecutionFailed, ExecutionTimedOut)


@router.post(
    "/agents/chat",
    response_model=SessionChatAnswer,
    dependencies=[interaction, limited(PROXY)],
    responses=documented(*_FAILURES),
)
async def chat(
    visit: CurrentVisit, body: ProgramQuestion, runtime: CurrentRuntime, models: CurrentModels
) -> Response:
    """Say something to the agent of a session and wait for the whole answer."""
    answer = await ask(runtime, models, caller_of(visit), visit.agent, body)
    return json_response(presentation.show_to_session(answer, visit))


@router.post(
    "/agents/chat/stream",
    response_class=Response,
    dependencies=[interaction, limited(PROXY)],
    responses={**documented(*_FAILURES), **EVENT_STREAM},
)
async def chat_stream(
    visit: CurrentVisit, body: ProgramQuestion, runtime: CurrentRuntime, models: CurrentModels
) -> Response:
    """Say something to the agent of a session and read the answer while it is made."""
    turn = await begin(runtime, models, caller_of(visit), visit.agent, body)
    return stream_answer(turn, SessionEnding(visit))


@router.post(
    "/agents/upload",
    response_class=Response,
    dependencies=[interaction, limited(PROXY)],
    responses={
        **documented(MediaStorageNotConfigured),
        200: {"description": "Never yet: there is no storage for uploads."},
    },
)
async def upload() -> None:
    """Upload files for a message. There is no storage for them yet."""
    raise MediaStorageNotConfigured


@router.post(
    f"{_PROJECT}/agents/{{agent_id}}/chat",
    response_model=KeyChatAnswer,
    dependencies=[require_scope(Permission.agents_chat), limited(PROXY)],
    responses=documented(AgentNotFound, *_FAILURES),
)
async def chat_with_key(
    agent: KeyAgent,
    entry: CurrentEntry,
    body: ProgramQuestion,
    runtime: CurrentRuntime,
    models: CurrentModels,
) -> Response:
    """Say something to an agent and wait for the whole answer."""
    answer = await ask(runtime, models, Caller.of(entry.access), agent, body)
    return json_response(presentation.show_to_key(answer, entry.key))


@router.get(
    _PROJECTS,
    response_model=Answer[list[ProjectSummary]],
    dependencies=[require_scope(Permission.projects_read), limited(GENERAL)],
)
async def list_projects(access: KeyAccess) -> Response:
    """The projects that the key may be used in, oldest first."""
    projects = await project_service.list_projects(access)
    rows = [
        ProjectSummary(stored_id=one.stored_id, name=one.name, description=one.description)
        for one in projects
    ]
    return json_response(Answer(data=rows))


@router.get(
    _PROJECT,
    response_model=Answer[ProjectAccess],
    dependencies=[require_scope(Permission.projects_read), limited(GENERAL)],
)
async def get_project(project: KeyProject) -> Response:
    """Whether the key may be used in a project."""
    return json_response(Answer(data=ProjectAccess(id=project.id, organization=project.organization)))


@router.get(
    f"{_PROJECT}/agents",
    response_model=Answer[list[AgentSummary]],
    dependencies=[require_scope(Permission.agents_read), limited(GENERAL)],
)
async def list_agents(project: KeyProject) -> Response:
    """The agents of a project that are switched on, by name."""
    rows = await agent_service.list_active(project.scope)
    return json_response(Answer(data=[AgentSummary.from_stored(row) for row in rows]))


@router.get(
    f"{_PROJECT}/agents/{{agent_id}}",
    response_model=Answer[AgentDetails],
    dependencies=[require_scope(Permission.agents_read), limited(GENERAL)],
    responses=documented(AgentNotFound),
)
async def get_agent(agent: KeyAgent) -> Response:
    """One agent, with its tools."""
    return json_response(Answer(data=await presentation.show_agent(agent)))


@router.get(
    "/usage/api-key",
    response_model=Answer[KeyUsageRead],
    dependencies=[require_scope(Permission.statistics_read), limited(GENERAL)],
)
async def get_usage(entry: CurrentEntry) -> Response:
    """How often the key was used, this call included. The SDK tests its connection with it."""
    return json_response(Answer(data=presentation.show_usage(entry.key)))
