"""``/external/agents/execute``: what end users of a session have its agent do."""

from starlette.responses import Response

from crafter.calling.dependencies import CurrentModels
from crafter.core.errors import documented
from crafter.core.runtime import CurrentRuntime
from crafter.edge.rate_limits import PROXY, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.edge.uploads import JsonForNow, UploadsNotTaken
from crafter.execution.frames import EVENT_STREAM
from crafter.execution.tasks.errors import TASK_REFUSALS, TaskInterrupted
from crafter.execution.tasks.frames import stream_task
from crafter.external.errors import ExecutionFailed, ExecutionTimedOut
from crafter.external.tasks.running import SessionTaskEnding, begin, run
from crafter.external.tasks.schemas import SessionTask, SessionTaskAnswer
from crafter.sessions.dependencies import CurrentVisit, interaction

router = feature_router("/external/agents", tag="For programs", route_class=JsonForNow)


@router.post(
    "/execute",
    response_model=SessionTaskAnswer,
    dependencies=[interaction, limited(PROXY)],
    responses=documented(
        *TASK_REFUSALS, UploadsNotTaken, ExecutionFailed, ExecutionTimedOut, TaskInterrupted
    ),
)
async def execute(
    visit: CurrentVisit, body: SessionTask, runtime: CurrentRuntime, models: CurrentModels
) -> Response:
    """Have the agent of a session do a task, and wait for its output."""
    return json_response(await run(runtime, models, visit, body))


@router.post(
    "/execute/stream",
    response_class=Response,
    dependencies=[interaction, limited(PROXY)],
    responses={**documented(*TASK_REFUSALS, UploadsNotTaken), **EVENT_STREAM},
)
async def execute_stream(
    visit: CurrentVisit, body: SessionTask, runtime: CurrentRuntime, models: CurrentModels
) -> Response:
    """Have the agent of a session do a task, and read its output while it is made."""
    return stream_task(await begin(runtime, models, visit, body), SessionTaskEnding(visit))
