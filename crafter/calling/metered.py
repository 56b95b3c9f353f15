"""Every call of a model: limited by and counted on the key that it is made with, and written into the ledger."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta

from tenacity import AsyncRetrying

from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.calling.attempts import Attempt
from crafter.calling.pricing import price_of
from crafter.calling.purposes import Purpose
from crafter.calling.retrying import retrying
from crafter.calling.tally import Tally
from crafter.calls import service as call_service
from crafter.calls.documents import Call
from crafter.core.runtime import Runtime
from crafter.core.tasks import to_its_end
from crafter.core.time import utc_now
from crafter.llm.base import NOTHING_USED, ChatEvent, ChatModel, ChatRequest, Finished
from crafter.llm.errors import ProviderFailed

_MARGIN = timedelta(seconds=60)
"""How much longer than the deadline of a provider a call may take with everything around it."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """A stream whose first event is there."""

    attempt: Attempt
    events: AsyncGenerator[ChatEvent, None]
    first: ChatEvent


class MeteredModel:
    """A ChatModel. Whatever becomes of a call, it counts; of one that is hung up on the tokens are estimated.

    ``tally`` is what all calls took together. Its methods also raise CredentialLimited, before anything is sent.
    """

    def __init__(
        self, model: ChatModel, provider: str, key: ApiKey, purpose: Purpose, runtime: Runtime
    ) -> None:
        self.purpose = purpose
        self.tally = Tally()
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
        attempt = opened.attempt
        event: ChatEvent | None = opened.first
        try:
            async with aclosing(opened.events) as events:
                while event is not None:
                    attempt.take(event)
                    if isinstance(event, Finished):
                        await to_its_end(self._settle(attempt, None))
                    yield event
                    event = await anext(events, None)
            if attempt.finished is None:
                raise self._broken_off()
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

    def _broken_off(self) -> ProviderFailed:
        return ProviderFailed(self._provider, "the answer ended before it was complete")

    async def _open(self, request: ChatRequest, again: AsyncRetrying) -> _Opened:
        attempt = await self._begin(request, again, streamed=True)
        events = self._model.stream(request)
        try:
            first = await anext(events, None)
            if first is None:
                raise self._broken_off()
        except BaseException as error:
            await events.aclose()
            await to_its_end(self._settle(attempt, error))
            raise
        return _Opened(attempt, events, first)

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

    async def _begin(self, request: ChatRequest, again: AsyncRetrying, *, streamed: bool) -> Attempt:
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
        return Attempt(call, request)

    async def _settle(self, attempt: Attempt, error: BaseException | None) -> None:
        """The row of the ledger, then the sums on the key: a process that dies in between has the row at least."""
        call, usage, priced = attempt.call, attempt.usage(error), None
        if usage != NOTHING_USED:
            priced = await price_of(call.organization, self._provider, call.model, usage, call.created_at)
        await call_service.settle(call, attempt.ending(error, usage, priced))
        self.tally.add(usage, priced)
        await api_key_service.record_usage(
            self._key,
            call.model,
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
