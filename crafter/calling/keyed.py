"""A model that is asked with a stored key: with the secret before, too, while the one that replaced it is refused."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus

from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.api_keys.opening import OpenedKey
from crafter.core.time import utc_now
from crafter.llm.base import ChatEvent, ChatModel, ChatRequest, Finished
from crafter.llm.errors import ProviderError

KEY_REFUSED = "PROVIDER_REFUSED_KEY"
_ABOUT_THE_KEY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class KeyedModel:
    """A ChatModel. That a provider refuses the key is noted on the key.

    ``earlier`` is the model with the secret before, which is good for calls until ``opened.earlier_until``.
    """

    def __init__(
        self, key: ApiKey, current: ChatModel, opened: OpenedKey, earlier: ChatModel | None = None
    ) -> None:
        self._key = key
        self._current = current
        self._opened = opened
        self._earlier = earlier

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """See ChatModel."""
        try:
            async with aclosing(self._current.stream(request)) as events:
                async for event in events:
                    yield event
                return
        except ProviderError as refusal:
            earlier = await self._instead(refusal)
        async with aclosing(earlier.stream(request)) as events:
            async for event in events:
                yield event

    async def complete(self, request: ChatRequest) -> Finished:
        """See ChatModel."""
        try:
            return await self._current.complete(request)
        except ProviderError as refusal:
            earlier = await self._instead(refusal)
        return await earlier.complete(request)

    async def _instead(self, refusal: ProviderError) -> ChatModel:
        """The model with the secret before, if that may help; else raises the refusal."""
        status, until = refusal.details.get("upstream_status"), self._opened.earlier_until
        if status in _ABOUT_THE_KEY:
            await api_key_service.note_failure(self._key, KEY_REFUSED)
        if status != HTTPStatus.UNAUTHORIZED or self._earlier is None or until is None or until <= utc_now():
            raise refusal
        return self._earlier
