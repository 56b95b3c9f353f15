"""The adapter for every server that speaks OpenAI's chat completions.

Importing it imports the OpenAI SDK, which is most of a start: ``providers`` does so on first use.
"""

import dataclasses
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import lru_cache
from typing import Annotated, Any

import openai
from pydantic import BaseModel, Field, ValidationError

from crafter import __version__
from crafter.core.egress import EgressFailed, EgressPolicy, open_client
from crafter.llm.base import (
    MAX_REPLY_BYTES,
    ChatEvent,
    ChatRequest,
    Finished,
    TextDelta,
    Usage,
    estimate_usage,
)
from crafter.llm.errors import ProviderFailed, ProviderReplyTooLarge
from crafter.llm.openai_errors import provider_errors

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
        body, dropped = self._body(request)
        reply = _Reply(self._provider)
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
                        if text := reply.take(chunk):
                            yield TextDelta(text)
                except EgressFailed:
                    if reply.finish_reason is None:
                        raise
                    # otherwise all was said; some servers hang up without a proper end
            finished = reply.finish(request, dropped)
        yield finished

    async def complete(self, request: ChatRequest) -> Finished:
        """See ChatModel."""
        body, dropped = self._body(request)
        reply = _Reply(self._provider)
        with provider_errors(self._provider, self._api_key):
            client = self._clients.documents(self._base_url, self._api_key)
            reply.take(await client.post(_PATH, body=body, cast_to=object))
            return reply.finish(request, dropped)

    def _body(self, request: ChatRequest) -> tuple[dict[str, Any], list[str]]:
        """What to send, and the names of the parameters that were left out because they are unsupported."""
        set_values = dataclasses.asdict(request.parameters).items()
        parameters = {name: value for name, value in set_values if value is not None}
        dropped = sorted(parameters.keys() & self._unsupported)
        for name in dropped:
            del parameters[name]
        if "max_tokens" in parameters:
            parameters["max_completion_tokens"] = parameters.pop("max_tokens")
        if request.cache_key is not None:
            parameters["prompt_cache_key"] = request.cache_key
        messages = [dataclasses.asdict(message) for message in request.messages]
        return {"model": request.model, "messages": messages, **parameters}, dropped


class _Said(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    delta: _Said | None = None
    message: _Said | None = None
    finish_reason: str | None = None


class _Chunk(BaseModel):
    """What we read of a reply, whole or in chunks."""

    choices: list[_Choice] | None = None
    usage: Any = None


_Tokens = Annotated[int, Field(ge=0, le=10**9)]


class _TokenDetails(BaseModel):
    cached_tokens: _Tokens | None = None


class _ReportedUsage(BaseModel):
    prompt_tokens: _Tokens
    completion_tokens: _Tokens
    total_tokens: _Tokens | None = None
    prompt_tokens_details: _TokenDetails | None = None


class _Reply:
    """A reply as it grows."""

    def __init__(self, provider: str) -> None:
        self.finish_reason: str | None = None
        self._provider = provider
        self._pieces: list[str] = []
        self._bytes = 0
        self._usage: Usage | None = None

    def take(self, received: object) -> str:
        """Add what one chunk (or the whole document) says; its text. Raises ProviderError and ValueError."""
        chunk = _Chunk.model_validate(received)
        self._usage = _usage(chunk.usage) or self._usage
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        self.finish_reason = choice.finish_reason or self.finish_reason
        said = choice.delta or choice.message
        text = (said.content if said else None) or ""
        self._bytes += len(text.encode())
        if self._bytes > MAX_REPLY_BYTES:
            raise ProviderReplyTooLarge(self._provider, f"The answer is longer than {MAX_REPLY_BYTES} bytes.")
        self._pieces.append(text)
        return text

    def finish(self, request: ChatRequest, dropped: list[str]) -> Finished:
        """The end of the reply. Raises ProviderFailed when the model had not finished."""
        if self.finish_reason is None:
            raise ProviderFailed(self._provider, "The answer broke off before its end.", retryable=True)
        text = "".join(self._pieces)
        return Finished(text, self._usage or estimate_usage(request, text), self.finish_reason, dropped)


def _usage(reported: object) -> Usage | None:
    """What the provider says was used; None when it says nothing, or nonsense."""
    try:
        usage = _ReportedUsage.model_validate(reported)
    except ValidationError:
        return None
    cached = (usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens) or 0
    return Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=max(usage.total_tokens or 0, usage.prompt_tokens + usage.completion_tokens),
        cached_tokens=min(cached, usage.prompt_tokens),
    )
