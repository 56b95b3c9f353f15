"""Every call of a model: let in by budgets and by the limits of its key, made again or elsewhere, and counted."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TypeVar

from crafter.calling import bookkeeping
from crafter.calling.admission import Admission, admit, give_back
from crafter.calling.attempts import Attempt
from crafter.calling.fallbacks import Fallbacks
from crafter.calling.purposes import Purpose
from crafter.calling.retrying import retrying
from crafter.calling.tally import Tally
from crafter.calling.targets import Target
from crafter.core.errors import CrafterError
from crafter.core.runtime import Runtime
from crafter.core.tasks import to_its_end
from crafter.llm.base import ChatEvent, ChatRequest, Finished
from crafter.llm.errors import ProviderFailed, ProviderTimedOut

_DEADLINES = 2
"""All attempts at one thing together may take so many times as long as one of them, until one begins to answer."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Opened:
    """A stream whose first event is there."""

    attempt: Attempt
    events: AsyncGenerator[ChatEvent, None]
    first: ChatEvent


@dataclass(slots=True)
class _Asking:
    """One thing that is asked, and how often that was tried."""

    request: ChatRequest
    attempts: int = field(default=0)


class MeteredModel:
    """A ChatModel. Whatever becomes of a call, it counts; of one that is hung up on the tokens are estimated.

    ``tally`` is what all calls took together, ``target`` what is asked: of the fallbacks the next, after a failure
    against which that may help. Its methods also raise what ``admit`` raises, before anything is sent.
    """

    def __init__(self, target: Target, fallbacks: Fallbacks, purpose: Purpose, runtime: Runtime) -> None:
        self.purpose = purpose
        self.tally = Tally()
        self.target = target
        self._fallbacks = fallbacks
        self._runtime = runtime
        self._reserved: Admission | None = None

    async def reserve(self, request: ChatRequest) -> None:
        """Have the next call let in already, so that it cannot be refused any more. Raises what ``admit`` raises."""
        while self._reserved is None:
            try:
                self._reserved = await admit(
                    self.target, self.purpose, self._addressed(request), self._runtime
                )
            except CrafterError as error:
                self.target = await self._fallbacks.after(error)

    async def give_back(self) -> None:
        """Let go of what was reserved, if it was not used."""
        reserved, self._reserved = self._reserved, None
        if reserved is not None:
            await give_back(reserved)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """See ChatModel. Once something was said, the call is not made again."""
        opened = await self._insist(self._open, request)
        attempt = opened.attempt
        event: ChatEvent | None = opened.first
        try:
            async with aclosing(opened.events) as events:
                while event is not None:
                    attempt.take(event)
                    if isinstance(event, Finished):
                        await to_its_end(bookkeeping.settle(attempt, None, self.tally))
                    yield event
                    event = await anext(events, None)
            if attempt.finished is None:
                raise _broken_off(attempt.target)
        except BaseException as error:
            if attempt.finished is None:
                await to_its_end(bookkeeping.settle(attempt, error, self.tally))
            raise

    async def complete(self, request: ChatRequest) -> Finished:
        """See ChatModel."""
        return await self._insist(self._complete, request)

    async def _insist(self, make: Callable[[_Asking], Awaitable[T]], request: ChatRequest) -> T:
        """Make a call; again, if that may help and there is no fallback to ask at once; or else elsewhere."""
        asking, seconds = _Asking(request), _DEADLINES * self._runtime.settings.provider_timeout_seconds
        try:
            async with asyncio.timeout(seconds) as deadline:
                while True:
                    retries = 0 if self._fallbacks.are_left else self._runtime.settings.provider_retries
                    try:
                        done: T = await retrying(retries)(make, asking)
                        return done
                    except CrafterError as error:
                        self.target = await self._fallbacks.after(error)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise ProviderTimedOut(self.target.provider, f"No answer within {seconds:g} seconds.") from None

    async def _open(self, asking: _Asking) -> _Opened:
        attempt = await self._begin(asking, streamed=True)
        events = attempt.target.asked.stream(attempt.request)
        try:
            first = await anext(events, None)
            if first is None:
                raise _broken_off(attempt.target)
        except BaseException as error:
            await events.aclose()
            await to_its_end(bookkeeping.settle(attempt, error, self.tally))
            raise
        return _Opened(attempt, events, first)

    async def _complete(self, asking: _Asking) -> Finished:
        attempt = await self._begin(asking, streamed=False)
        try:
            finished = await attempt.target.asked.complete(attempt.request)
        except BaseException as error:
            await to_its_end(bookkeeping.settle(attempt, error, self.tally))
            raise
        attempt.take(finished)
        await to_its_end(bookkeeping.settle(attempt, None, self.tally))
        return finished

    async def _begin(self, asking: _Asking, *, streamed: bool) -> Attempt:
        asking.attempts += 1
        request = self._addressed(asking.request)
        admission, self._reserved = self._reserved, None
        if admission is None or admission.is_over:
            admission = await admit(self.target, self.purpose, request, self._runtime)
        return await bookkeeping.begin(
            self.target,
            request,
            admission,
            self.purpose,
            self._runtime,
            streamed=streamed,
            number=asking.attempts,
        )

    def _addressed(self, request: ChatRequest) -> ChatRequest:
        """The request, to the model that is asked."""
        return request if request.model == self.target.model else replace(request, model=self.target.model)


def _broken_off(target: Target) -> ProviderFailed:
    return ProviderFailed(target.provider, "the answer ended before it was complete")
