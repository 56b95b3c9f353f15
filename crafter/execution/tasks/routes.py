"""Having a task done by an agent: as one answer, or as a stream."""

from starlette.responses import Response

from crafter.agents.dependencies import CurrentAgent
from crafter.agents.errors import AgentNotFound
from crafter.calling.dependencies import CurrentModels
from crafter.core.errors import UpstreamFailed, UpstreamTimedOut, documented
from crafter.core.runtime import CurrentRuntime
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.edge.uploads import JsonForNow, UploadsNotTaken
from crafter.execution.caller import Caller
from crafter.execution.dependencies import AgentForAnyone
from crafter.execution.frames import EVENT_STREAM
from crafter.execution.tasks.answers import answer_to
from crafter.execution.tasks.errors import TASK_REFUSALS, TaskInterrupted
from crafter.execution.tasks.frames import stream_task
from crafter.execution.tasks.schemas import TaskAnswer, TaskOrder, TaskStreamOrder
from crafter.execution.tasks.task import prepare
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission
from crafter.platform_access.dependencies import EitherAccess, require_role_or_scope

router = feature_router(
    "/organizations/{organization_id}/projects/{project_id}/agents/{agent_id}",
    tag="Running agents",
    route_class=JsonForNow,
)


@router.post(
    "/execute",
    response_model=TaskAnswer,
    dependencies=[require(Permission.agents_execute)],
    responses=documented(
        AgentNotFound, *TASK_REFUSALS, UploadsNotTaken, UpstreamFailed, UpstreamTimedOut, TaskInterrupted
    ),
)
async def execute(
    agent: CurrentAgent,
    access: CurrentAccess,
    body: TaskOrder,
    runtime: CurrentRuntime,
    models: CurrentModels,
) -> Response:
    """Have a task done, and wait for its output. The run is recorded, also when it fails or you leave."""
    task = await prepare(runtime, models, Caller.of(access), agent, body)
    return json_response(await answer_to(task))


@router.post(
    "/execute/stream",
    response_class=Response,
    dependencies=[require_role_or_scope(Permission.agents_execute)],
    responses={**documented(AgentNotFound, *TASK_REFUSALS, UploadsNotTaken), **EVENT_STREAM},
)
async def execute_stream(
    agent: AgentForAnyone,
    access: EitherAccess,
    body: TaskStreamOrder,
    runtime: CurrentRuntime,
    models: CurrentModels,
) -> Response:
    """Have a task done, and read its output while it is made. Leaving early loses nothing: the run is recorded.

    Programs may come in as well, with a platform key.
    """
    return stream_task(await prepare(runtime, models, Caller.of(access), agent, body))
