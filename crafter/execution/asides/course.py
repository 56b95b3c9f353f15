"""What runs beside a turn, and when: with the question, before the answer is sent, and after it."""

from collections.abc import Mapping
from typing import Any

from crafter.agents import service as agent_service
from crafter.agents.errors import AgentNotFound
from crafter.conversations import beside
from crafter.conversations.documents import Conversation
from crafter.conversations.messages import Appended
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.execution.asides import hooks, languages, silence, summaries, titles
from crafter.execution.asides.aside import Aside, quietly, start
from crafter.execution.asides.hooks import Occasion
from crafter.execution.asides.suggestions import Suggestions, suggest
from crafter.execution.reasoning import Reasoning
from crafter.llm.providers import ChatModels


def heard(aside: Aside, text: str, changes: Mapping[str, Any], *, first: bool) -> None:
    """The user said something, by which a conversation changed, or with the ``first`` message began."""
    hooks.fire(aside, Occasion.of("user", text, aside.conversation, changes), first=first)


def said_by_operator(conversation: Conversation, text: str, runtime: Runtime, models: ChatModels) -> None:
    """An operator said something."""
    work = _said_by_operator(conversation, text, runtime, models)
    runtime.tasks.start(work, name=f"hooks {conversation.id}")


def asked(aside: Aside, text: str) -> None:
    """A model is about to answer what the user said."""
    if languages.is_wanted(aside):
        start(aside, "language", languages.detect_language(aside, text))


async def suggestions_for(aside: Aside, reasoning: Reasoning) -> Suggestions | None:
    """The questions that may follow on a stored answer; None where there are none."""
    said = [(message.role, message.text) for message in reasoning.request.messages]
    dialogue = [one for one in said if one[0] != "system"]
    return await quietly(aside, "suggestions", suggest(aside, [*dialogue, ("assistant", reasoning.text)]))


def answered(aside: Aside, number: int, stored: Appended) -> None:
    """The answer to the user's message of this number is on its way: whatever nobody waits for begins."""
    if aside.is_private:
        return
    if titles.is_due(number):
        start(aside, "title", titles.give_title(aside))
    if summaries.is_due(stored.total, stored.last_summary_index):
        start(aside, "summary", summaries.summarize(aside))


async def _said_by_operator(
    conversation: Conversation, text: str, runtime: Runtime, models: ChatModels
) -> None:
    try:
        agent = await agent_service.get_agent(conversation.scope, conversation.agent)
    except AgentNotFound:
        return
    aside = Aside(runtime, models, agent, conversation)
    if timers := silence.timers(agent, utc_now()):
        restarted = beside.restart_silence(conversation.scope, conversation.id, timers)
        await quietly(aside, "silence", restarted)
    hooks.fire(aside, Occasion.of("human_operator", text, conversation, {}))
