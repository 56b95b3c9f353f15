"""A run of a model as the record that is kept of a task."""

from collections.abc import Sequence
from typing import Any

from crafter.agent_executions.documents import ExecutedTool, TaskError, TaskStep, TaskUsage
from crafter.core.errors import CrafterError, UpstreamTimedOut
from crafter.execution.reasoning import Reasoning, Step
from crafter.execution.toolbox import ToolRun

_STEPS = {"tool_not_available": "tool_failed"}
"""Steps that are called otherwise in tasks."""


def steps_of(steps: Sequence[Step]) -> list[TaskStep]:
    """Steps as they are stored."""
    return [
        TaskStep(
            step=_STEPS.get(step.step, step.step),
            reasoning=step.reasoning,
            timestamp=step.timestamp,
            data=None if step.tool_name is None else {"tool_name": step.tool_name},
        )
        for step in steps
    ]


def tools_of(runs: Sequence[ToolRun]) -> list[ExecutedTool]:
    """Runs of tools as they are stored."""
    return [
        ExecutedTool(
            tool_name=run.tool_name,
            parameters=run.parameters,
            result=run.result,
            execution_time_ms=run.milliseconds,
            status="success" if run.error is None else "error",
            error_message=run.error,
            timestamp=run.timestamp,
        )
        for run in runs
    ]


def outcome_of(reasoning: Reasoning, failure: CrafterError | None, seconds: float) -> dict[str, Any]:
    """The fields with which a record ends; what was said before a failure is kept as its output."""
    fields: dict[str, Any] = {
        "status": "completed",
        "usage": _usage_of(reasoning).model_dump(),
        "execution_time_ms": round(seconds * 1000),
    }
    if failure is None or reasoning.said:
        fields["output"] = reasoning.text
    if failure is not None:
        fields["status"] = "timeout" if isinstance(failure, UpstreamTimedOut) else "failed"
        fields["error"] = TaskError(message=failure.message, code=failure.code).model_dump()
    return fields


def _usage_of(reasoning: Reasoning) -> TaskUsage:
    usage = reasoning.usage
    return TaskUsage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        cost=reasoning.cost or 0.0,
        tool_calls_count=len(reasoning.runs),
    )
