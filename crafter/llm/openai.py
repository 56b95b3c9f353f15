"""The adapter for every server that speaks OpenAI's chat completions.

Importing it imports the OpenAI SDK, which is most of a start: ``providers`` does so on first use.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import lru_cache

import openai

from crafter import __version__
from crafter.core.egress import EgressFailed, EgressPolicy, open_client
from crafter.llm.base import (
    MAX_REPLY_BYTES,
    ChatEvent,
    ChatRequest,
    Finished,
)
from crafter.llm.openai_errors import provider_errors
from crafter.llm.openai_wire import OpenAIReply, request_body

# A reply comes in much JSON: as one document it is held in memory, as a stream each token has its own event.
_MAX_DOCUMENT_BYTES = 16 * MAX_REPLY_BYTES
_MAX_STREAM_BYTES = 128 * MAX_REPLY_BYTES
_REMEMBERED_CLIENTS = 256

# Not by the SDK's resource for it: that builds models of its own, which takes half the time of a stream and
# checks no types.
_PATH = "/chat/completions"


class OpenAIClients:
    """The connections of a process to such servers, and a client of the SDK for each key lately used.

    The SDK's clients share two HTTP clients, so forgetting one closes nothing.
    """

    def __init__(self, policy: EgressPolicy, *, deadline_seconds: float) -> None:
        self._documents = open_client(
            policy, deadline_seconds=deadline_seconds, max_bytes=_MAX_DOCUMENT_BYTES
        )
        self._streams = open_client(policy, deadline_seconds=deadline_seconds, max_bytes=_MAX_STREAM_BYTES)
        self._client = lru_cache(maxsize=_REMEMBERED_CLIENTS)(self._new_client)

    def documents(self, base_url: str, api_key: str) -> openai.AsyncOpenAI:
        """For whole replies."""
        return self._client(base_url, api_key, streaming=False)

    def streams(self, base_url: str, api_key: str) -> openai.AsyncOpenAI:
        """For replies that are streamed."""
        return self._client(base_url, api_key, streaming=True)

    async def aclose(self) -> None:
        """Close every connection; calls that run fail."""
        await self._documents.aclose()
        await self._streams.aclose()

    def _new_client(self, base_url: str, api_key: str, *, streaming: bool) -> openai.AsyncOpenAI:
        return _Client(
            base_url=base_url,
            api_key=api_key,
            max_retries=0,  # who retries, and until when, is decided by whoever pays for the call
            http_client=self._streams if streaming else self._documents,
        )


class _Client(openai.AsyncOpenAI):
    """The SDK's client with headers of ours: its own would carry what it finds in the environment."""

    @property
    def default_headers(self) -> dict[str, str | openai.Omit]:
        return {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": f"crafter/{__version__}",
        }


class OpenAIModel:
    """A ChatModel: one provider, reached at its base URL with one key.

    ``unsupported`` are the parameters that this provider does not take.
    """

    def __init__(
        self,
        clients: OpenAIClients,
        *,
        provider: str,
        base_url: str,
        api_key: str,
        unsupported: frozenset[str] = frozenset(),
    ) -> None:
        self._clients = clients
        self._provider = provider
        self._base_url = base_url
        self._api_key = api_key
        self._unsupported = unsupported

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """See ChatModel."""
        body, dropped = request_body(request, self._unsupported)
        reply = OpenAIReply(self._provider)
        with provider_errors(self._provider, self._api_key):
            chunks = await self._clients.streams(self._base_url, self._api_key).post(
                _PATH,
                body=body | {"stream": True, "stream_options": {"include_usage": True}},
                cast_to=object,
                stream=True,
                stream_cls=openai.AsyncStream[object],
            )
            async with aclosing(chunks):
                try:
                    async for chunk in chunks:
                        for event in reply.take(chunk):
                            yield event
                except EgressFailed:
                    if reply.finish_reason is None:
                        raise
                    # otherwise all was said; some servers hang up without a proper end
            finished = reply.finish(request, dropped)
        yield finished

    async def complete(self, request: ChatRequest) -> Finished:
        """See ChatModel."""
        body, dropped = request_body(request, self._unsupported)
        reply = OpenAIReply(self._provider)
        with provider_errors(self._provider, self._api_key):
            client = self._clients.documents(self._base_url, self._api_key)
            reply.take(await client.post(_PATH, body=body, cast_to=object))
            return reply.finish(request, dropped)
