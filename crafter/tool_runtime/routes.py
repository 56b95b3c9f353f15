"""``/tools/{tool_name}/execute``."""

from starlette.responses import Response

from crafter.auth.dependencies import signed_in
from crafter.core.errors import ValidationFailed, documented
from crafter.edge.rate_limits import PROXY, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.tool_runtime import service as tool_runtime
from crafter.tool_runtime.errors import ToolFailed, ToolNotExecutable
from crafter.tool_runtime.schemas import Executed, ExecuteInput
from crafter.tools.errors import ToolNotFound
from crafter.tools.schemas import ToolName

router = feature_router("/tools", tag="Tools")


@router.post(
    "/{tool_name}/execute",
    response_model=Executed,
    dependencies=[signed_in, limited(PROXY)],
    responses=documented(ToolNotFound, ValidationFailed, ToolNotExecutable, ToolFailed),
)
async def execute_tool(tool_name: ToolName, body: ExecuteInput) -> Response:
    """Try a tool out: the calculator, the time and the JSON processor, which need no agent."""
    return json_response(await tool_runtime.execute_tool(tool_name, body.parameters or {}))
