"""Every call of a model: limited by and counted on the key that it is made with, and written into the ledger."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter

from tenacity import AsyncRetrying

from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.calling import outcomes
from crafter.calling.pricing import price_of
from crafter.calling.purposes import Purpose
from crafter.calling.retrying import retrying
from crafter.calls import service as call_service
from crafter.calls.documents import Call
from crafter.core.runtime import Runtime
from crafter.core.tasks import to_its_end
from crafter.core.time import utc_now
from crafter.llm.base import NOTHING_USED, ChatEvent, ChatModel, ChatRequest, Finished
from crafter.llm.errors import ProviderFailed

_MARGIN = timedelta(seconds=60)
"""How much longer than the deadline of a provider a call may take with everything around it."""


@dataclass(slots=True)
class _Attempt:
    """A call that is being made: its row, and what is known of it so far."""

    call: Call
    started: float = field(default_factory=perf_counter)
    first: float | None = None
    finished: Finished | None = None

    def take(self, event: ChatEvent) -> None:
        """Note what the model has said."""
        if isinstance(event, Finished):
            self.finished = event
        elif self.first is None:
            self.first = perf_counter()


@dataclass(frozen=True, slots=True)
class _Opened:
    """A stream whose first event is there."""

    attempt: _Attempt
    events: AsyncGenerator[ChatEvent, None]
    first: ChatEvent | None


class MeteredModel:
    """A ChatModel. Whatever becomes of a call, it counts; one that is hung up on counts without its tokens.

    Its methods also raise CredentialLimited, before anything is sent.
    """

    def __init__(
        self, model: ChatModel, provider: str, key: ApiKey, purpose: Purpose, runtime: Runtime
    ) -> None:
        self.purpose = purpose
        self._model = model
        self._provider = provider
        self._key = key
        self._runtime = runtime
        self._reserved = 0

    async def reserve(self) -> None:
        """Have the next call let in already, so that it cannot be refused any more. Raises CredentialLimited."""
        await api_key_service.admit(self._key)
        self._reserved += 1

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """See ChatModel. Once something was said, the call is not made again."""
        again = self._again()
        opened: _Opened = await again(self._open, request, again)
        attempt, event = opened.attempt, opened.first
        try:
            async with aclosing(opened.events) as events:
                while event is not None:
                    attempt.take(event)
                    if isinstance(event, Finished):
                        await to_its_end(self._settle(attempt, None))
                    yield event
                    event = await anext(events, None)
            if attempt.finished is None:
                raise ProviderFailed(self._provider, "the answer ended before it was complete")
        except BaseException as error:
            if attempt.finished is None:
                await to_its_end(self._settle(attempt, error))
            raise

    async def complete(self, request: ChatRequest) -> Finished:
        """See ChatModel."""
        again = self._again()
        return await again(self._complete, request, again)

    def _again(self) -> AsyncRetrying:
        return retrying(self._runtime.settings.provider_retries)

    async def _open(self, request: ChatRequest, again: AsyncRetrying) -> _Opened:
        attempt = await self._begin(request, again, streamed=True)
        events = self._model.stream(request)
        try:
            return _Opened(attempt, events, await anext(events, None))
        except BaseException as error:
            await events.aclose()
            await to_its_end(self._settle(attempt, error))
            raise

    async def _complete(self, request: ChatRequest, again: AsyncRetrying) -> Finished:
        attempt = await self._begin(request, again, streamed=False)
        try:
            finished = await self._model.complete(request)
        except BaseException as error:
            await to_its_end(self._settle(attempt, error))
            raise
        attempt.take(finished)
        await to_its_end(self._settle(attempt, None))
        return finished

    async def _begin(self, request: ChatRequest, again: AsyncRetrying, *, streamed: bool) -> _Attempt:
        if self._reserved:
            self._reserved -= 1
        else:
            await api_key_service.admit(self._key)
        purpose, key = self.purpose, self._key
        deadline = timedelta(seconds=self._runtime.settings.provider_timeout_seconds) + _MARGIN
        call = Call(
            organization=key.organization,
            project=key.project,
            kind=purpose.kind,
            provider=self._provider,
            model=request.model,
            credential=key.id,
            agent=purpose.agent,
            prompt=purpose.prompt,
            prompt_version=purpose.prompt_version,
            source=purpose.source,
            user=purpose.user,
            user_api_key=purpose.user_api_key,
            end_user_hash=self._hashed(purpose.end_user),
            streamed=streamed,
            attempt=again.statistics["attempt_number"],
            deadline_at=utc_now() + deadline,
        )
        await call_service.begin(call)
        return _Attempt(call)

    async def _settle(self, attempt: _Attempt, error: BaseException | None) -> None:
        """The row of the ledger, then the sums on the key: a process that dies in between has the row at least."""
        finished, priced = attempt.finished, None
        if finished is not None:
            call = attempt.call
            priced = await price_of(
                call.organization, self._provider, call.model, finished.usage, call.created_at
            )
            fields = outcomes.success(finished, priced)
        else:
            assert error is not None
            fields = outcomes.failure(error)
        fields["latency_ms"] = round((perf_counter() - attempt.started) * 1000)
        if attempt.first is not None:
            fields["ttft_ms"] = round((attempt.first - attempt.started) * 1000)
        await call_service.settle(attempt.call, fields)
        usage = finished.usage if finished is not None else NOTHING_USED
        await api_key_service.record_usage(
            self._key,
            attempt.call.model,
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            total_tokens=usage.total_tokens,
            cost=float(priced.amount) if priced is not None else 0.0,
        )

    def _hashed(self, end_user: str | None) -> str | None:
        """What tells end users apart without naming them."""
        if end_user is None:
            return None
        return self._runtime.keyring.fingerprint("\0".join(("end user", self._key.organization, end_user)))
