"""Hooks for inactivity: when they are due is stored in the conversation, and every process looks for what is due.

Whoever is first takes it, in one update, so each runs once however many look, and also after a restart; one whose
process ends while it runs is not repeated. A message of the user, or of an operator, starts the time anew.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from crafter.agents import service as agent_service
from crafter.agents.documents import Agent, AgentHook
from crafter.agents.errors import AgentNotFound
from crafter.conversations import beside, privacy
from crafter.conversations import messages as message_store
from crafter.conversations.documents import Conversation
from crafter.conversations.handling import WITH_A_HUMAN, WITH_THE_AGENT
from crafter.core import sweeps
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.execution.asides.aside import Aside, quietly
from crafter.execution.asides.hooks import Occasion, run_hook
from crafter.llm.providers import ChatModels

_AT_ONCE = 8


def timers(agent: Agent, now: datetime) -> dict[str, Any]:
    """The fields of a conversation in which something is said now; none for an agent without such hooks."""
    due = next_due(agent, now, now)
    return {} if due is None else {"asides.quiet_since": now, "asides.quiet_due_at": due}


def next_due(agent: Agent, since: datetime, after: datetime) -> datetime | None:
    """When the next hook is due, of those that are not before or at ``after``."""
    moments = (since + timedelta(seconds=hook.inactivity_seconds) for hook in _hooks(agent))
    return min((moment for moment in moments if moment > after), default=None)


async def keep_sweeping(runtime: Runtime, models: ChatModels) -> None:
    """Sweep at every interval until the process is about to end."""
    interval = runtime.settings.handoff_fallback_interval_seconds
    await sweeps.keep_sweeping(runtime.tasks, interval, lambda: sweep(runtime, models), name="silence")


async def sweep(runtime: Runtime, models: ChatModels) -> int:
    """Look once at all that are quiet; answers how many hooks ran."""
    now, slots = utc_now(), asyncio.Semaphore(_AT_ONCE)

    async def look(conversation: Conversation) -> int:
        async with slots:
            return await _run_due(conversation, now, runtime, models)

    quiet = [conversation async for conversation in beside.quiet_conversations(now)]
    return sum(await asyncio.gather(*(look(conversation) for conversation in quiet)))


async def _run_due(conversation: Conversation, now: datetime, runtime: Runtime, models: ChatModels) -> int:
    """Run what is due in a conversation, unless another process takes it; answers how many hooks that were."""
    try:
        agent = await agent_service.get_agent(conversation.scope, conversation.agent)
    except AgentNotFound:
        agent = None
    since, due_at = conversation.asides.quiet_since, conversation.asides.quiet_due_at
    if agent is None or since is None or due_at is None or conversation.lifecycle != "active":
        await beside.claim_silence(conversation, None)
        return 0
    if not await beside.claim_silence(conversation, next_due(agent, since, now)):
        return 0
    hooks = [
        hook
        for hook in _hooks(agent)
        if due_at <= since + timedelta(seconds=hook.inactivity_seconds) <= now
        and _is_meant(hook, conversation)
    ]
    aside = Aside(runtime, models, agent, conversation)
    if hooks and (occasion := await quietly(aside, "silence", _last_said(aside))) is not None:
        for hook in hooks:
            await quietly(aside, "hook", run_hook(aside, hook, occasion))
    return len(hooks)


def _hooks(agent: Agent) -> list[AgentHook]:
    return [hook for hook in agent.hooks if hook.enabled and hook.trigger == "inactivity"]


def _is_meant(hook: AgentHook, conversation: Conversation) -> bool:
    statuses: Mapping[str, str] = {
        "human_controlled_only": WITH_A_HUMAN,
        "agent_controlled_only": WITH_THE_AGENT,
    }
    return conversation.status == statuses.get(hook.inactivity_condition, conversation.status)


async def _last_said(aside: Aside) -> Occasion:
    conversation = aside.conversation
    page = await message_store.read_newest(conversation.scope, conversation.id, 1)
    said = privacy.unseal(conversation, (row.message for row in page.rows), aside.runtime.keyring)
    role, content = (said[-1].role, said[-1].content) if said else ("system", "")
    return Occasion.of(role, content, conversation, {})
