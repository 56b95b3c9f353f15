"""Having tasks done for the end users of sessions."""

from typing import Any

from crafter.core.errors import UpstreamFailed
from crafter.core.runtime import Runtime
from crafter.execution.events import Failed
from crafter.execution.tasks.answers import answer_to
from crafter.execution.tasks.frames import TaskEnding
from crafter.execution.tasks.schemas import TaskOrder
from crafter.execution.tasks.task import Done, Task, prepare
from crafter.external.errors import ExecutionFailed, execution_failed
from crafter.external.presentation import session_info
from crafter.external.talking import caller_of
from crafter.external.tasks.schemas import SessionTask, SessionTaskAnswer
from crafter.llm.providers import ChatModels
from crafter.sessions import visits
from crafter.sessions.visits import Visit


async def begin(runtime: Runtime, models: ChatModels, visit: Visit, wanted: SessionTask) -> Task:
    """A task that is ready to be done. Raises what ``prepare`` raises."""
    order = TaskOrder(input=wanted.input, context=wanted.context)
    return await prepare(runtime, models, caller_of(visit), visit.agent, order)


async def run(runtime: Runtime, models: ChatModels, visit: Visit, wanted: SessionTask) -> SessionTaskAnswer:
    """The whole answer. Raises ExecutionFailed and ExecutionTimedOut, and what ``begin`` raises."""
    task = await begin(runtime, models, visit, wanted)
    try:
        answer = await answer_to(task)
    except UpstreamFailed as error:
        raise execution_failed(error) from None
    return SessionTaskAnswer.model_validate({**answer.model_dump(), "session_info": session_info(visit)})


class SessionTaskEnding(TaskEnding):
    """The last frame for the end user of a session, who gets an interaction back for an output that never began."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def complete(self, done: Done) -> dict[str, Any]:
        """Without what the task took, and with what is left of the session."""
        frame = super().complete(done)
        info = session_info(self._visit).model_dump(mode="json")
        return {**{name: frame[name] for name in ("type", "execution_id", "status")}, "session_info": info}

    async def error(self, task: Task, failed: Failed) -> dict[str, Any]:
        """Under the one code that programs know."""
        if not task.reasoning.said:
            await visits.give_back(self._visit)
        return {**await super().error(task, failed), "code": ExecutionFailed.code}
