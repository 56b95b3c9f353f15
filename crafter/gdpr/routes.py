"""``…/gdpr``: retention on demand, and the export and erasure of an end user.

What an end user is called stands percent-encoded in the path, and may be anything.
"""

from starlette.responses import Response

from crafter.agents.errors import AgentNotFound
from crafter.core.errors import documented
from crafter.core.runtime import CurrentRuntime
from crafter.edge.responses import JSON_MEDIA_TYPE, json_response, streamed
from crafter.edge.router import feature_router
from crafter.gdpr import erasure, retention
from crafter.gdpr.dependencies import OrganizationAgent
from crafter.gdpr.errors import NoRetention
from crafter.gdpr.export import export
from crafter.gdpr.schemas import ErasureDone, Retained, RetentionDone, UserExport
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission

router = feature_router("/organizations/{organization_id}/gdpr", tag="Privacy")


@router.post(
    "/agents/{agent_id}/run-retention",
    response_model=RetentionDone,
    dependencies=[require(Permission.privacy_manage)],
    responses=documented(AgentNotFound, NoRetention),
)
async def run_retention(agent: OrganizationAgent, runtime: CurrentRuntime) -> Response:
    """Delete now what is older than the agent keeps things; otherwise that happens once a day."""
    days, removed = await retention.retain(agent, runtime.tasks)
    body = RetentionDone(
        message="Retention job completed",
        agent_id=agent.id,
        retention_days=days,
        deleted=Retained(conversations=removed.conversations, executions=removed.executions),
    )
    return json_response(body)


@router.delete(
    "/users/{user_identifier}",
    response_model=ErasureDone,
    dependencies=[require(Permission.privacy_manage)],
)
async def erase_user(access: CurrentAccess, user_identifier: str) -> Response:
    """Delete an end user's conversations in all projects, and take them out of the runs of task agents."""
    return json_response(await erasure.erase(access.scope, user_identifier))


@router.get(
    "/users/{user_identifier}/export",
    response_model=UserExport,
    dependencies=[require(Permission.privacy_manage)],
)
async def export_user(access: CurrentAccess, user_identifier: str, runtime: CurrentRuntime) -> Response:
    """Everything about an end user, with every message, readable. It is streamed."""
    pieces = export(access.scope, user_identifier, runtime.keyring)
    return streamed(pieces, JSON_MEDIA_TYPE)
