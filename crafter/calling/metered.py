"""Every call of a model, limited by and counted on the key that it is made with."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.core.tasks import to_its_end
from crafter.llm.base import NOTHING_USED, ChatEvent, ChatModel, ChatRequest, Finished, Usage
from crafter.llm.prices import cost_usd


class MeteredModel:
    """A ChatModel. Whatever becomes of a call, it counts; one that is hung up on counts without its tokens.

    Its methods also raise CredentialLimited, before anything is sent.
    """

    def __init__(self, model: ChatModel, provider: str, key: ApiKey) -> None:
        self._model = model
        self._provider = provider
        self._key = key
        self._reserved = 0

    async def reserve(self) -> None:
        """Have the next call let in already, so that it cannot be refused any more. Raises CredentialLimited."""
        await api_key_service.admit(self._key)
        self._reserved += 1

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """See ChatModel."""
        await self._admit()
        usage = NOTHING_USED
        try:
            async with aclosing(self._model.stream(request)) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        usage = event.usage
                    yield event
        finally:
            await to_its_end(self._record(request, usage))

    async def complete(self, request: ChatRequest) -> Finished:
        """See ChatModel."""
        await self._admit()
        usage = NOTHING_USED
        try:
            finished = await self._model.complete(request)
            usage = finished.usage
        finally:
            await to_its_end(self._record(request, usage))
        return finished

    async def _admit(self) -> None:
        if self._reserved:
            self._reserved -= 1
        else:
            await api_key_service.admit(self._key)

    async def _record(self, request: ChatRequest, usage: Usage) -> None:
        await api_key_service.record_usage(
            self._key,
            request.model,
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            total_tokens=usage.total_tokens,
            cost=float(cost_usd(self._provider, request.model, usage) or 0),
        )
