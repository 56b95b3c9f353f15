"""One task: prepared while it can still be refused, then run by a task of the process, whoever stays to read it.

Its record is kept up to date while it runs. The process holds a lease on it meanwhile, and renews that: a record whose
lease is over was left behind by a process that was killed.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter

import structlog
from pymongo.errors import PyMongoError

from crafter.agent_executions import service as execution_service
from crafter.agent_executions.documents import AgentExecution, TaskMetadata
from crafter.agents.documents import Agent
from crafter.calls.documents import CallSource
from crafter.core.errors import CrafterError
from crafter.core.runtime import Runtime
from crafter.core.tasks import to_its_end
from crafter.core.time import utc_now
from crafter.execution.addressing import connection_of, request_of
from crafter.execution.caller import Caller
from crafter.execution.events import Delta, Failed, last_event, read_events
from crafter.execution.failures import failure_of, known, note_health
from crafter.execution.instructions import instructed
from crafter.execution.prompting import build_task
from crafter.execution.reasoning import DEFAULT_TIMEOUT_SECONDS, OF_A_TASK, Reasoning, Step
from crafter.execution.tasks import recording
from crafter.execution.tasks.errors import AgentDisabled, NotATask, TaskInterrupted
from crafter.execution.tasks.schemas import TaskOrder
from crafter.execution.toolbox import ToolRun, toolbox_of
from crafter.llm.providers import ChatModels

LEASE = timedelta(seconds=45)
RENEWAL_SECONDS = 10

log = structlog.get_logger("crafter.execution")


@dataclass(frozen=True, slots=True)
class Done:
    """The output is stored; ``execution`` has the steps and the runs of tools."""

    execution: AgentExecution
    reasoning: Reasoning


TaskEvent = Delta | Done | Failed


@dataclass(slots=True)
class Task:
    """A task that was accepted; its record is stored as pending."""

    runtime: Runtime
    agent: Agent
    execution: AgentExecution
    reasoning: Reasoning
    events: asyncio.Queue[TaskEvent] = field(default_factory=asyncio.Queue)

    @property
    def about(self) -> dict[str, str]:
        """What the log names it by."""
        return {"agent": self.agent.id, "execution": self.execution.id}


async def prepare(
    runtime: Runtime, models: ChatModels, caller: Caller, agent: Agent, order: TaskOrder
) -> Task:
    """Check everything that can be refused, then store the record.

    Raises NotATask, AgentDisabled, what ``instructed`` raises and what ``connection_of`` raises.
    """
    if agent.type != "task":
        raise NotATask
    if not agent.is_active:
        raise AgentDisabled
    agent = await instructed(agent)
    purpose = caller.purpose("task", agent, order.user_identifier)
    connection = await connection_of(runtime, models, agent, purpose)
    reasoning = Reasoning(
        connection,
        request_of(agent, build_task(agent, order.context, order.input)),
        tools=await toolbox_of(agent, runtime, models),
        most_calls=agent.config.max_tool_calls,
        timeout_seconds=agent.config.timeout_seconds or DEFAULT_TIMEOUT_SECONDS,
        endings=OF_A_TASK,
    )
    await connection.model.reserve(reasoning.opening)
    execution = AgentExecution(
        organization=agent.organization,
        project=agent.project,
        agent=agent.id,
        input=order.input,
        metadata=TaskMetadata(user_identifier=order.user_identifier or caller.identifier),
        user=caller.user,
        user_api_key=caller.key,
        lease_until=utc_now() + LEASE,
    )
    purpose.source = CallSource(type="execution", id=execution.id)
    await execution_service.add_execution(execution)
    return Task(runtime, agent, execution, reasoning)


def start(task: Task, *, stream: bool) -> None:
    """Have the model work in a task of the process; the events say how it goes."""
    task.reasoning.say = lambda piece: task.events.put_nowait(Delta(piece))
    task.reasoning.note = lambda steps, runs: _note(task, steps, runs)
    task.runtime.tasks.start(_run(task, stream=stream), name=f"task {task.execution.id}")


def events_of(task: Task) -> AsyncIterator[TaskEvent]:
    """The events of a started task; the last is Done or Failed. Leaving early does not end the task."""
    return read_events(task.events)


async def outcome_of(task: Task) -> Done:
    """The stored outcome of a started task. Raises what the task failed with."""
    return await last_event(task.events)


async def _run(task: Task, *, stream: bool) -> None:
    """Work, store, report; whatever happens, the last event says it."""
    started = perf_counter()
    failure = await failure_of(_work(task, stream=stream), TaskInterrupted, **task.about)
    task.events.put_nowait(await to_its_end(_settle(task, failure, perf_counter() - started)))


async def _work(task: Task, *, stream: bool) -> None:
    """Raises TaskInterrupted when somebody else has ended the run, and what ``Reasoning.run`` raises."""
    if not await execution_service.begin(task.execution, utc_now() + LEASE):
        await task.reasoning.connection.model.give_back()
        raise TaskInterrupted
    async with _leased(task.execution):
        await task.reasoning.step("analyze_task", f"Given to {task.reasoning.request.model}")
        await task.reasoning.run(stream=stream)


async def _note(task: Task, steps: Sequence[Step], runs: Sequence[ToolRun]) -> None:
    """Store what has just happened."""
    noted = recording.steps_of(steps) if task.agent.config.enable_thinking else []
    tools = recording.tools_of(runs)
    task.execution.thinking_process += noted
    task.execution.tools_executed += tools
    if not await execution_service.note(task.execution, noted, tools):
        raise TaskInterrupted


async def _settle(task: Task, failure: CrafterError | None, seconds: float) -> TaskEvent:
    """End the record, and note how the agent does."""
    try:
        event: TaskEvent = await _store(task, failure, seconds)
    except Exception as error:  # noqa: BLE001 - the task ends here; the record is ended when its lease is over
        event = Failed(known(error, **task.about))
    await note_health(task.agent, failure)
    return event


async def _store(task: Task, failure: CrafterError | None, seconds: float) -> TaskEvent:
    stored = await execution_service.finish(
        task.execution, recording.outcome_of(task.reasoning, failure, seconds)
    )
    if failure is not None:
        return Failed(failure)
    return Done(task.execution, task.reasoning) if stored else Failed(TaskInterrupted())


@asynccontextmanager
async def _leased(execution: AgentExecution) -> AsyncIterator[None]:
    """Hold the lease for as long as the block runs."""
    renewing = asyncio.create_task(_renew(execution), name=f"lease {execution.id}")
    try:
        yield
    finally:
        renewing.cancel()


async def _renew(execution: AgentExecution) -> None:
    """Renew the lease until the run is over."""
    while True:
        await asyncio.sleep(RENEWAL_SECONDS)
        try:
            if not await execution_service.renew(execution, utc_now() + LEASE):
                return
        except PyMongoError as error:
            log.warning("lease_not_renewed", execution=execution.id, error=type(error).__name__)
