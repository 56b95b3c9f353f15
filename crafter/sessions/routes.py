"""``/sessions``: what programs do with the session tokens of their key."""

from starlette.responses import Response

from crafter.agents import service as agent_service
from crafter.agents.errors import AgentNotFound
from crafter.core.errors import documented
from crafter.core.ids import EntityId
from crafter.core.runtime import CurrentRuntime
from crafter.core.time import utc_now
from crafter.edge.rate_limits import GENERAL, PROXY, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.errors import ProjectAccessDenied
from crafter.organizations.permissions import Permission
from crafter.platform_access.dependencies import CurrentSite, KeyAccess, require_scope
from crafter.sessions import presentation
from crafter.sessions import service as session_service
from crafter.sessions.errors import AgentAccessDenied, SessionNotFound, TooManySessions
from crafter.sessions.schemas import (
    DeletedCount,
    RevokedCount,
    SessionCreate,
    SessionCreated,
    SessionDetails,
    SessionRead,
)
from crafter.user_api_keys.schemas import Answer, Succeeded

router = feature_router("/sessions", tag="Sessions")

_KEEP = "Save this token securely - it won't be shown again."


@router.post(
    "",
    response_model=Answer[SessionCreated],
    status_code=201,
    dependencies=[require_scope(Permission.agents_execute), limited(PROXY)],
    responses=documented(AgentNotFound, AgentAccessDenied, TooManySessions),
)
async def create_session(
    access: KeyAccess, body: SessionCreate, site: CurrentSite, runtime: CurrentRuntime
) -> Response:
    """Make a session token for an end user of an agent. This answer is the only one that shows it."""
    agent = await agent_service.get_agent(access.scope, body.agent_id)
    try:
        access.require_project(agent.project)
    except ProjectAccessDenied:
        raise AgentAccessDenied from None
    limit = runtime.settings.max_sessions_per_agent
    issued = await session_service.create_session(access, agent, body, site, limit=limit)
    message = f"Session token generated successfully. {_KEEP}"
    return json_response(Answer(data=presentation.show_new(issued, body), message=message), 201)


@router.get(
    "", response_model=Answer[list[SessionRead]], dependencies=[require_scope(None), limited(GENERAL)]
)
async def list_sessions(access: KeyAccess) -> Response:
    """The live sessions of the key, newest first, at most 1,000."""
    sessions = await session_service.list_live(access)
    return json_response(Answer(data=await presentation.show_list(access, sessions)))


@router.get(
    "/{session_id}",
    response_model=Answer[SessionDetails],
    dependencies=[require_scope(None), limited(GENERAL)],
    responses=documented(SessionNotFound),
)
async def get_session(access: KeyAccess, session_id: EntityId) -> Response:
    """One session of the key, also one that is over."""
    session = await session_service.get_session(access, session_id)
    return json_response(Answer(data=await presentation.show_one(access, session)))


@router.delete(
    "/{session_id}",
    response_model=Succeeded,
    dependencies=[require_scope(None), limited(PROXY)],
    responses=documented(SessionNotFound),
)
async def revoke_session(access: KeyAccess, session_id: EntityId) -> Response:
    """End a session at once."""
    await session_service.revoke_session(access, session_id)
    return json_response(Succeeded(message="Session revoked successfully"))


@router.delete("", response_model=Answer[RevokedCount], dependencies=[require_scope(None), limited(PROXY)])
async def revoke_sessions(access: KeyAccess) -> Response:
    """End all sessions of the key at once."""
    count = await session_service.revoke_all(access)
    message = f"{count} sessions revoked successfully"
    return json_response(Answer(data=RevokedCount(revoked_count=count), message=message))


@router.post(
    "/cleanup",
    response_model=Answer[DeletedCount],
    dependencies=[require_scope(Permission.statistics_read), limited(GENERAL)],
)
async def clean_up_sessions(access: KeyAccess) -> Response:
    """Delete the key's sessions that have expired, and those that were revoked a day ago."""
    count = await session_service.clean_up(access, utc_now())
    message = f"{count} expired sessions cleaned up"
    return json_response(Answer(data=DeletedCount(deleted_count=count), message=message))
