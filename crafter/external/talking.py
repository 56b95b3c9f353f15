"""Talking to an agent, for programs and for the end users of their sessions."""

from crafter.agents.documents import Agent
from crafter.core.errors import UpstreamFailed
from crafter.core.runtime import Runtime
from crafter.execution.answers import answer_to
from crafter.execution.caller import Caller
from crafter.execution.schemas import ChatAnswer
from crafter.execution.turn import Turn, prepare
from crafter.external.errors import UploadNotFound, execution_failed
from crafter.external.schemas import ProgramQuestion
from crafter.llm.providers import ChatModels
from crafter.sessions.visits import Visit


def caller_of(visit: Visit) -> Caller:
    """The end user of a session, who is named after it if not otherwise."""
    return Caller(key=visit.key.id, identifier=f"session_{visit.session.id}")


async def begin(
    runtime: Runtime, models: ChatModels, caller: Caller, agent: Agent, said: ProgramQuestion
) -> Turn:
    """A turn that is ready to be answered. Raises UploadNotFound, and what ``prepare`` raises."""
    if said.files:
        raise UploadNotFound
    return await prepare(runtime, models, caller, agent, said)


async def ask(
    runtime: Runtime, models: ChatModels, caller: Caller, agent: Agent, said: ProgramQuestion
) -> ChatAnswer:
    """The whole answer. Raises ExecutionFailed and ExecutionTimedOut, and what ``begin`` raises."""
    turn = await begin(runtime, models, caller, agent, said)
    try:
        return await answer_to(turn)
    except UpstreamFailed as error:
        raise execution_failed(error) from None
