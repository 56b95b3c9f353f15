"""One answer, made by a task of its own: of a model as it is, or of an agent that may run its tools."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, fields, replace
from typing import TypeAlias

from crafter.agents.documents import Agent
from crafter.calling.connection import connect
from crafter.calling.purposes import Purpose
from crafter.calls.documents import CallSource
from crafter.core.errors import CrafterError
from crafter.core.runtime import Runtime
from crafter.execution.addressing import connection_of
from crafter.execution.addressing import request_of as request_of_agent
from crafter.execution.events import Failed
from crafter.execution.failures import failure_of, note_health
from crafter.execution.instructions import instructed
from crafter.execution.reasoning import DEFAULT_TIMEOUT_SECONDS, Reasoning
from crafter.execution.toolbox import toolbox_of
from crafter.llm.base import ChatEvent, ChatMessage, ChatParameters, ChatRequest, Finished, TextDelta
from crafter.llm.providers import ChatModels
from crafter.openai_api.errors import AgentHasItsOwn, AnswerInterrupted, as_clients_know_it
from crafter.openai_api.subjects import ServedModel, Subject

Event: TypeAlias = ChatEvent | Failed
Say: TypeAlias = Callable[[ChatEvent], None]
Work: TypeAlias = Callable[[Say, bool], Awaitable[None]]
"""Answers, saying each event as it comes, the last of them Finished; or, unless it is to stream, just that."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom and for whom; ``source`` stands in the ledger, and is the answer's id."""

    request: ChatRequest
    source: CallSource
    user_api_key: str
    end_user: str | None

    def purpose(self, agent: Agent | None = None) -> Purpose:
        """What a call is made for."""
        return Purpose(
            "chat",
            agent=agent.id if agent else None,
            source=self.source,
            user_api_key=self.user_api_key,
            end_user=self.end_user,
        )


@dataclass(slots=True)
class Run:
    """An answer that is about to be made. What costs only tokens ends when its reader leaves, and counts."""

    runtime: Runtime
    work: Work
    about: dict[str, str]
    outlives_reader: bool = False
    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)
    task: asyncio.Task[None] | None = None

    async def answer(self) -> Finished:
        """The whole answer. Raises what there is instead."""
        self._start(stream=False)
        event = await self.events.get()
        if isinstance(event, Failed):
            raise event.error
        assert isinstance(event, Finished)
        return event

    async def begin(self) -> AsyncGenerator[Event, None]:
        """All events, once there is one, so that what fails before can be refused with a status; it is raised."""
        self._start(stream=True)
        first = await self.events.get()
        if isinstance(first, Failed):
            raise first.error
        return self._events(first)

    async def _events(self, first: Event) -> AsyncGenerator[Event, None]:
        """Until the last one, which is Finished or Failed."""
        try:
            event = first
            while not isinstance(event, Finished | Failed):
                yield event
                event = await self.events.get()
            yield event
        finally:
            if self.task is not None and not self.outlives_reader:
                self.task.cancel()

    def _start(self, *, stream: bool) -> None:
        self.task = self.runtime.tasks.start(self._run(stream), name=f"answer {self.about}")

    async def _run(self, stream: bool) -> None:
        failure = await failure_of(self.work(self.events.put_nowait, stream), AnswerInterrupted, **self.about)
        if failure is not None:
            self.events.put_nowait(Failed(as_clients_know_it(failure)))


async def prepare(runtime: Runtime, models: ChatModels, subject: Subject, question: Question) -> Run:
    """Check everything that can be refused; nothing is sent yet, but the call is let in.

    Raises AgentHasItsOwn, NoKeyConfigured, and what ``instructed``, ``connect`` and ``reserve`` raise.
    """
    if isinstance(subject, ServedModel):
        return await _run_of_model(runtime, models, subject, question)
    return await _run_of_agent(runtime, models, subject, question)


async def _run_of_model(runtime: Runtime, models: ChatModels, served: ServedModel, question: Question) -> Run:
    connection = await connect(served.key, served.name, question.purpose(), runtime, models)
    request = replace(question.request, model=served.name)
    await connection.model.reserve(request)

    async def work(say: Say, stream: bool) -> None:
        if not stream:
            say(await connection.model.complete(request))
            return
        async with aclosing(connection.model.stream(request)) as events:
            async for event in events:
                say(event)

    return Run(runtime, work, {"model": served.name})


async def _run_of_agent(runtime: Runtime, models: ChatModels, agent: Agent, question: Question) -> Run:
    chosen = question.request
    if chosen.tools or chosen.parameters.tool_choice is not None:
        raise AgentHasItsOwn
    agent = await instructed(agent)
    connection = await connection_of(runtime, models, agent, question.purpose(agent))
    told = [ChatMessage("system", agent.system_prompt)] if agent.system_prompt else []
    request = request_of_agent(agent, [*told, *chosen.messages])
    reasoning = Reasoning(
        connection,
        replace(request, parameters=_merged(request.parameters, chosen.parameters)),
        tools=await toolbox_of(agent, runtime, models),
        most_calls=agent.config.max_tool_calls,
        timeout_seconds=agent.config.timeout_seconds or DEFAULT_TIMEOUT_SECONDS,
    )
    await connection.model.reserve(reasoning.opening)

    async def work(say: Say, stream: bool) -> None:
        if stream:
            reasoning.say = lambda piece: say(TextDelta(piece))
        failure: CrafterError | None = None
        try:
            await reasoning.run(stream=stream)
        except CrafterError as error:
            failure = error
            raise
        finally:
            await note_health(agent, failure)
        say(_finished(reasoning))

    return Run(runtime, work, {"agent": agent.id}, outlives_reader=True)


def _merged(own: ChatParameters, chosen: ChatParameters) -> ChatParameters:
    """The agent's parameters with those that the caller chose; longer than the agent's no answer can be."""
    given = {f.name: value for f in fields(chosen) if (value := getattr(chosen, f.name)) is not None}
    if own.max_tokens is not None and chosen.max_tokens is not None:
        given["max_tokens"] = min(own.max_tokens, chosen.max_tokens)
    return replace(own, **given)


def _finished(reasoning: Reasoning) -> Finished:
    """The end of an agent's answer; of calls that it made on the way nothing is left to do."""
    reason = reasoning.finish_reason
    return Finished(
        reasoning.text,
        reasoning.usage,
        "stop" if reason == "tool_calls" else reason,
        reasoning.dropped_parameters,
    )
