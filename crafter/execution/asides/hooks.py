"""What an agent has done beside its conversations: which of its hooks run on what, and the record of each run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crafter.agents.documents import Agent, AgentHook, HookTrigger
from crafter.conversations import beside, privacy
from crafter.conversations import messages as message_store
from crafter.conversations.documents import Conversation
from crafter.conversations.handling import WITH_A_HUMAN
from crafter.core.time import utc_now, wire_time
from crafter.execution.asides import hook_webhook
from crafter.execution.asides.aside import Aside, start
from crafter.execution.asides.asking import Said, ask, model_of
from crafter.execution.asides.texts import transcript
from crafter.execution.failures import known
from crafter.llm.base import ChatMessage

_LONGEST_RESPONSE = 2_000
_OPERATOR = ("external_id", "name", "email", "avatar_url")


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something was said; how the conversation stood then."""

    role: str
    content: str
    status: str
    handler: str

    @classmethod
    def of(
        cls, role: str, content: str, conversation: Conversation, changes: Mapping[str, Any]
    ) -> "Occasion":
        """What was said in a conversation in which something changed by it."""
        status = changes.get("status", conversation.status)
        return cls(role, content, status, changes.get("current_handler", conversation.current_handler))


def hooks_for(agent: Agent, occasion: Occasion, *, first: bool) -> list[AgentHook]:
    """The hooks that run on a message; the ``first`` one begins a conversation."""
    meant: dict[HookTrigger, bool] = {
        "every_message": True,
        "user_message_only": occasion.role == "user",
        "human_controlled_only": occasion.status == WITH_A_HUMAN,
        "new_conversation": first,
        "inactivity": False,
    }
    return [hook for hook in agent.hooks if hook.enabled and meant[hook.trigger]]


def fire(aside: Aside, occasion: Occasion, *, first: bool = False) -> None:
    """Run the hooks that a message is meant for, each in a task of its own."""
    for hook in hooks_for(aside.agent, occasion, first=first):
        start(aside, "hook", run_hook(aside, hook, occasion))


async def run_hook(aside: Aside, hook: AgentHook, occasion: Occasion) -> bool:
    """Do what a hook says, and record what became of it; answers whether it went well."""
    triggered_at, said, error = utc_now(), None, None
    about = {"agent": aside.agent.id, "conversation": aside.conversation.id}
    try:
        if hook.type == "llm":
            said = await _asked(aside, hook)
        else:
            notice = _notice(aside, hook, occasion, triggered_at)
            await hook_webhook.deliver(aside.agent, hook, notice, aside.runtime)
    except Exception as failure:  # noqa: BLE001 - the hook ends here, and its record says how
        error = known(failure, **about).message
    execution = _execution(aside, hook, triggered_at, said, error)
    await beside.note_hook(aside.conversation.scope, aside.conversation.id, execution)
    return error is None


async def _asked(aside: Aside, hook: AgentHook) -> Said:
    """The answer of the hook's model, or of the agent's, to its prompt and the latest messages."""
    conversation = aside.conversation
    page = await message_store.read_newest(conversation.scope, conversation.id, hook.context_messages)
    said = privacy.unseal(conversation, (row.message for row in page.rows), aside.runtime.keyring)
    messages = [
        ChatMessage("system", hook.prompt or ""),
        ChatMessage("user", transcript((message.role, message.content) for message in said)),
    ]
    model = hook.model or aside.agent.llm_settings.model
    return await ask(aside, await model_of(aside, aside.agent.api_key, model), "hook", messages)


def _notice(aside: Aside, hook: AgentHook, occasion: Occasion, at: datetime) -> dict[str, Any]:
    """The contract's body of a message hook."""
    conversation = aside.conversation
    notice: dict[str, Any] = {
        "event": "message_hook",
        "hook_name": hook.name,
        "timestamp": wire_time(at),
        "agent_id": aside.agent.id,
        "conversation_id": conversation.id,
        "user_identifier": conversation.user_identifier,
        "message": {"role": occasion.role, "content": occasion.content},
        "conversation_status": occasion.status,
        "current_handler": occasion.handler,
    }
    external = conversation.handoff_info.assigned_external_operator or {}
    operator = {name: external[name] for name in _OPERATOR if isinstance(external.get(name), str)}
    if operator:
        notice["external_operator"] = operator
    return notice


def _execution(
    aside: Aside, hook: AgentHook, triggered_at: datetime, said: Said | None, error: str | None
) -> dict[str, Any]:
    """The contract's record of a run; what a model makes of encrypted messages is not kept."""
    execution: dict[str, Any] = {
        "hook_name": hook.name,
        "triggered_at": triggered_at,
        "trigger": hook.trigger,
        "type": hook.type,
        "success": error is None,
        "tools_used": [],
        "rejected_tools": [],
        "llm_response": None,
        "error": error,
    }
    if said is not None:
        execution["token_usage"] = {
            "prompt_tokens": said.usage.prompt_tokens,
            "completion_tokens": said.usage.completion_tokens,
            "total_tokens": said.usage.total_tokens,
            "cost": said.cost,
        }
        if not aside.is_private:
            execution["llm_response"] = said.text.replace("\0", "")[:_LONGEST_RESPONSE]
    return execution
