"""Asking a model until it has answered; between its words it may have tools run."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime

from crafter.calling.connection import Connection
from crafter.core.errors import UpstreamFailed, UpstreamTimedOut
from crafter.core.time import utc_now
from crafter.execution.toolbox import Toolbox, ToolRun, refused_for_limit
from crafter.llm.base import ChatMessage, ChatRequest, Finished, TextDelta, ToolCall, Usage

DEFAULT_TIMEOUT_SECONDS = 300

_REASON_LENGTH = 500
_PAUSE = "\n\n"
"""Between what a model said before a tool ran and what it says afterwards."""

OUT_OF_ROUNDS = (
    "I apologize, but I wasn't able to complete your request within the allowed processing time. "
    "Please try rephrasing your request."
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way to the answer, by the contract's names."""

    step: str
    reasoning: str
    tool_name: str | None = None
    timestamp: datetime = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of a run that a tool has decided: the answer, and the step that tells why."""

    text: str
    step: str
    reasoning: str


@dataclass(frozen=True, slots=True)
class Endings:
    """What the last step is called, by the contract's names: of an answer, and of one after the last call of a tool."""

    answered: str
    exhausted: str


OF_A_TURN = Endings("final_response", "forced_final_response")
OF_A_TASK = Endings("task_completed", "max_iterations_reached")


Say = Callable[[str], None]
Note = Callable[[Sequence[Step], Sequence[ToolRun]], Awaitable[None]]


def _say_nothing(_: str) -> None:
    """Nobody listens."""


async def _note_nothing(_: Sequence[Step], __: Sequence[ToolRun]) -> None:
    """Nobody keeps a record while it goes on."""


@dataclass(slots=True)
class Reasoning:
    """One run of a model, and what it has come to so far, which holds also after a failure.

    ``say`` is called with each piece of the answer; together they are the answer. ``note`` is awaited with the
    steps and the runs of tools as they happen. ``closing``, once set by a tool, ends the run: it is the answer.
    """

    connection: Connection
    request: ChatRequest
    tools: Toolbox | None = None
    most_calls: int = 10
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    endings: Endings = OF_A_TURN
    closing: Closing | None = None
    said: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    runs: list[ToolRun] = field(default_factory=list)
    finish_reason: str = ""
    dropped_parameters: list[str] = field(default_factory=list)
    say: Say = _say_nothing
    note: Note = _note_nothing

    @property
    def text(self) -> str:
        """The answer, as far as it goes."""
        return "".join(self.said)

    @property
    def cost(self) -> float | None:
        """What the model took so far, in dollars; None where nobody knows its price."""
        cost = self.connection.model.tally.cost
        return None if cost is None else float(cost)

    @property
    def usage(self) -> Usage:
        """What the model took so far, also for what came to nothing."""
        return self.connection.model.tally.usage

    @property
    def opening(self) -> ChatRequest:
        """What the model is asked first."""
        offered = self.tools.definitions if self.tools is not None and self.most_calls > 0 else []
        return replace(self.request, tools=offered, may_call=self.most_calls > 0)

    async def run(self, *, stream: bool) -> None:
        """Ask until there is an answer. Raises UpstreamFailed, EgressRefused and UpstreamTimedOut."""
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await self._run(stream)
        except TimeoutError:
            raise UpstreamTimedOut(f"The agent took longer than {self.timeout_seconds:g} seconds.") from None

    async def step(self, name: str, reasoning: str) -> None:
        """Note one step."""
        step = Step(name, reasoning)
        self.steps.append(step)
        await self.note([step], [])

    async def _run(self, stream: bool) -> None:
        opening = self.opening
        offered, messages = opening.tools, list(opening.messages)
        while True:
            exhausted = len(self.runs) >= self.most_calls
            finished = await self._ask(
                replace(opening, messages=list(messages), may_call=not exhausted), stream
            )
            if not finished.tool_calls or exhausted:
                break
            runs = await self._use_tools(finished)
            messages.append(ChatMessage("assistant", finished.text, finished.tool_calls))
            messages += [
                ChatMessage("tool", run.told, tool_call_id=call.id)
                for call, run in zip(finished.tool_calls, runs, strict=True)
            ]
            if self.closing is not None:
                self._hear(self.closing.text, first=True)
                await self.step(self.closing.step, self.closing.reasoning)
                return
        if offered and exhausted and not finished.text:
            self._hear(OUT_OF_ROUNDS, first=True)
        ending = self.endings.exhausted if offered and exhausted else self.endings.answered
        await self.step(ending, f"Answered by {self.connection.model_name}")

    async def _ask(self, request: ChatRequest, stream: bool) -> Finished:
        """One call of the model; its text is heard."""
        if stream:
            finished = await self._listen(request)
        else:
            finished = await self.connection.model.complete(request)
            self._hear(finished.text, first=True)
        self.finish_reason = finished.finish_reason
        self.dropped_parameters = finished.dropped_parameters
        return finished

    async def _listen(self, request: ChatRequest) -> Finished:
        first = True
        async with aclosing(self.connection.model.stream(request)) as events:
            async for event in events:
                if isinstance(event, Finished):
                    return event
                if isinstance(event, TextDelta):
                    self._hear(event.text, first=first)
                    first = False
        provider = self.connection.provider
        raise UpstreamFailed(f"{provider} API Error: the answer ended before it was complete")

    def _hear(self, text: str, *, first: bool) -> None:
        """Take a piece of text; the ``first`` of a call keeps its distance from what was said before."""
        if not text:
            return
        if first and self.said:
            text = _PAUSE + text
        self.said.append(text)
        self.say(text)

    async def _use_tools(self, finished: Finished) -> list[ToolRun]:
        """Run what the model asked for, all at once, as far as the limit allows; in the order of the calls."""
        left = self.most_calls - len(self.runs)
        runs = await asyncio.gather(
            *(self._use(call) for call in finished.tool_calls[:left]),
        )
        runs += [refused_for_limit(call) for call in finished.tool_calls[left:]]
        why = finished.text.strip()[:_REASON_LENGTH]
        steps = [
            Step(run.step, run.error or why or f"{self.connection.model_name} asked for it", run.tool_name)
            for run in runs
        ]
        self.runs += runs
        self.steps += steps
        await self.note(steps, runs)
        return runs

    async def _use(self, call: ToolCall) -> ToolRun:
        assert self.tools is not None
        return await self.tools.run(call)
