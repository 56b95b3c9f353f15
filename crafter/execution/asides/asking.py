"""Asking a model beside a turn: which one, with which key, and what that adds to the conversation's totals."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.api_keys.errors import ApiKeyNotFound
from crafter.calling.connection import connect
from crafter.calling.purposes import Purpose
from crafter.calls.documents import CallSource
from crafter.conversations import beside
from crafter.core.errors import UpstreamTimedOut
from crafter.execution.asides.aside import Aside
from crafter.execution.errors import NoKeyConfigured
from crafter.llm.base import ChatMessage, ChatParameters, ChatRequest, Usage
from crafter.llm.providers import known_name
from crafter.providers import service as provider_service

DEADLINE_SECONDS = 30.0

CHEAP_MODELS: Mapping[str, str] = {
    "openai": "gpt-5.4-nano",
    "anthropic": "claude-3-5-haiku-20241022",
    "google": "gemini-2.0-flash",
    "deepseek": "deepseek-chat",
    "xai": "grok-3-mini",
    "openrouter": "deepseek/deepseek-chat",
}
"""The contract's model for small questions, by provider."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which model is asked, and with which key of the project."""

    key: ApiKey
    model: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said, what it took, in dollars where its price is known, and for how long."""

    text: str
    model: str
    usage: Usage
    cost: float
    milliseconds: int


async def cheap_model_of(aside: Aside) -> Asked:
    """The agent's key with the cheap model of its provider, if that is offered; otherwise the agent's own.

    Raises NoKeyConfigured and ProviderNotFound.
    """
    key = await _key(aside, aside.agent.api_key)
    provider = await provider_service.get_provider(key.provider)
    cheap = CHEAP_MODELS[known_name(provider.name)]
    return Asked(key, cheap if provider_service.offers(provider, cheap) else aside.agent.llm_settings.model)


async def model_of(aside: Aside, key_id: str, model: str) -> Asked:
    """A model of one's choice. Raises NoKeyConfigured."""
    return Asked(await _key(aside, key_id), model)


async def _key(aside: Aside, key_id: str) -> ApiKey:
    try:
        return await api_key_service.get_key(aside.agent.scope, key_id)
    except ApiKeyNotFound:
        raise NoKeyConfigured from None


async def ask(
    aside: Aside,
    asked: Asked,
    purpose: str,
    messages: Sequence[ChatMessage],
    parameters: ChatParameters | None = None,
) -> Said:
    """The model's answer, which counts in the conversation. Raises UpstreamFailed, and what ``connect`` raises."""
    started = perf_counter()
    about = Purpose(
        "aside",
        agent=aside.agent.id,
        source=CallSource(type="conversation", id=aside.conversation.id),
        end_user=aside.conversation.user_identifier,
    )
    connection = await connect(asked.key, asked.model, about, aside.runtime, aside.models)
    request = ChatRequest(
        model=asked.model,
        messages=messages,
        parameters=parameters or ChatParameters(),
        cache_key=f"agent_{aside.agent.id}_{purpose}",
    )
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            finished = await connection.model.complete(request)
    except TimeoutError:
        raise UpstreamTimedOut from None
    cost = float(connection.model.tally.cost or 0)
    conversation = aside.conversation
    await beside.add_costs(conversation.scope, conversation.id, finished.usage.total_tokens, cost)
    milliseconds = round((perf_counter() - started) * 1000)
    return Said(finished.text, asked.model, finished.usage, cost, milliseconds)
