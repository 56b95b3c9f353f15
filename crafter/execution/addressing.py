"""From an agent to the model that it works with, and to what that model is asked."""

from collections.abc import Sequence

from crafter.agents import service as agent_service
from crafter.agents.documents import Agent
from crafter.api_keys import service as api_key_service
from crafter.api_keys.errors import ApiKeyNotFound
from crafter.calling.connection import Connection, connect
from crafter.calling.errors import ModelRetired
from crafter.calling.fallbacks import Fallback
from crafter.calling.purposes import Purpose
from crafter.core.runtime import Runtime
from crafter.execution.errors import NoKeyConfigured
from crafter.llm.base import ChatMessage, ChatParameters, ChatRequest
from crafter.llm.providers import ChatModels


async def connection_of(runtime: Runtime, models: ChatModels, agent: Agent, purpose: Purpose) -> Connection:
    """The agent's model, to be asked with the agent's own key; a retired one puts the agent into error.

    Raises NoKeyConfigured and what ``connect`` raises.
    """
    if not agent.api_key:
        raise NoKeyConfigured
    try:
        key = await api_key_service.get_key(agent.scope, agent.api_key)
    except ApiKeyNotFound:
        raise NoKeyConfigured from None
    fallbacks = [Fallback(one.api_key, one.model) for one in agent.fallbacks or ()]
    try:
        return await connect(key, agent.llm_settings.model, purpose, runtime, models, fallbacks)
    except ModelRetired as retired:
        await agent_service.record_failure(agent, retired.message, threshold=1)
        raise


def request_of(agent: Agent, messages: Sequence[ChatMessage]) -> ChatRequest:
    """What the agent's model is asked."""
    return ChatRequest(
        model=agent.llm_settings.model,
        messages=messages,
        parameters=ChatParameters(**agent.llm_settings.parameters.model_dump(exclude_none=True)),
        cache_key=f"agent_{agent.id}",
    )
