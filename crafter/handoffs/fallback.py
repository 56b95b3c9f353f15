"""Conversations that wait for a human too long: their agents say something meanwhile.

Every process looks at all of them now and then. Whoever is first claims a conversation, in one update, for as long as
the lease lasts that the Node server respects too; an attempt counts from there, so there are never more than allowed.
"""

import asyncio
from datetime import datetime, timedelta

from crafter.agents import service as agent_service
from crafter.agents.documents import Agent
from crafter.agents.errors import AgentNotFound
from crafter.conversations import handling
from crafter.conversations.documents import Conversation
from crafter.conversations.handling import WAITING
from crafter.core import sweeps
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.handoffs.service import answer_unasked
from crafter.llm.providers import ChatModels

LEASE = timedelta(seconds=90)

_AT_ONCE = 8


async def keep_sweeping(runtime: Runtime, models: ChatModels) -> None:
    """Sweep at every interval until the process is about to end."""
    interval = runtime.settings.handoff_fallback_interval_seconds
    await sweeps.keep_sweeping(
        runtime.tasks, interval, lambda: sweep(runtime, models), name="handoff fallback"
    )


async def sweep(runtime: Runtime, models: ChatModels) -> int:
    """Look once at all that wait; answers in how many conversations the agent spoke."""
    now = utc_now()
    earliest = now - timedelta(hours=runtime.settings.handoff_fallback_max_age_hours)
    agents: dict[str, Agent | None] = {}
    due: list[tuple[Conversation, Agent]] = []
    async for conversation in handling.unclaimed_waiting(earliest, now):
        if conversation.agent not in agents:
            agents[conversation.agent] = await _find_agent(conversation)
        agent = agents[conversation.agent]
        if agent is not None and is_due(conversation, agent, now):
            due.append((conversation, agent))
    slots = asyncio.Semaphore(_AT_ONCE)

    async def speak(conversation: Conversation, agent: Agent) -> bool:
        async with slots:
            return await _speak(conversation, agent, runtime, models)

    return sum(await asyncio.gather(*(speak(*pair) for pair in due)))


def is_due(conversation: Conversation, agent: Agent, now: datetime) -> bool:
    """Whether the agent should say something: it has waited long enough, and not spoken too often."""
    wanted, info = agent.config.handoff_config, conversation.handoff_info
    since = info.last_fallback_at or info.requested_at
    if not wanted.fallback_timeout_seconds or since is None or not agent.is_active:
        return False
    waited = now - since >= timedelta(seconds=wanted.fallback_timeout_seconds)
    return waited and info.fallback_attempts < wanted.max_fallback_attempts


async def _find_agent(conversation: Conversation) -> Agent | None:
    try:
        return await agent_service.get_agent(conversation.scope, conversation.agent)
    except AgentNotFound:
        return None


async def _speak(conversation: Conversation, agent: Agent, runtime: Runtime, models: ChatModels) -> bool:
    """Claim the conversation and have the agent speak, unless another process was first."""
    now = utc_now()
    if not await handling.claim_fallback(conversation, now, now + LEASE):
        return False
    prompt = agent.config.handoff_config.fallback_prompt
    try:
        said = await answer_unasked(conversation, prompt, {"status": WAITING}, runtime, models)
    finally:
        await handling.release_fallback(conversation)
    return said is not None
