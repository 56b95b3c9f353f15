"""A finished task as one JSON answer."""

from crafter.agent_executions.schemas import StepRead, ToolRunRead
from crafter.execution.answers import spent
from crafter.execution.tasks.schemas import TaskAnswer
from crafter.execution.tasks.task import Task, outcome_of, start


async def answer_to(task: Task) -> TaskAnswer:
    """The whole answer to a prepared task, once it is stored. Raises what the task failed with."""
    start(task, stream=False)
    done = await outcome_of(task)
    execution = done.execution
    return TaskAnswer(
        execution_id=execution.id,
        output=done.reasoning.text,
        output_files=execution.output_files,
        thinking_process=[StepRead.of(step) for step in execution.thinking_process],
        tools_used=[ToolRunRead.of(run) for run in execution.tools_executed],
        token_usage=spent(done.reasoning),
        status="completed",
    )
