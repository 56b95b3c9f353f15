"""One turn: prepared while it can still be refused, then run by a task of its own, whoever stays to read it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import structlog
from pymongo.errors import PyMongoError

from crafter.agents import service as agent_service
from crafter.agents.documents import Agent
from crafter.api_keys import service as api_key_service
from crafter.api_keys.errors import ApiKeyNotFound
from crafter.calling.connection import Connection, connect
from crafter.calling.errors import ModelRetired
from crafter.conversations import messages as message_store
from crafter.conversations import privacy
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Conversation, Message, ThinkingStep, TokenUsage
from crafter.conversations.errors import ConversationNotFound, ConversationOfAnother
from crafter.core.database import describe_failure
from crafter.core.errors import CrafterError, FieldError, UpstreamFailed, ValidationFailed
from crafter.core.runtime import Runtime
from crafter.core.tasks import to_its_end
from crafter.core.time import utc_now
from crafter.execution.caller import Caller
from crafter.execution.canned import CannedReply, canned_reply
from crafter.execution.errors import NoKeyConfigured, NotAChatbot, TurnInterrupted
from crafter.execution.prompting import build_messages, history_limit
from crafter.execution.schemas import Question
from crafter.llm.base import ChatModel, ChatParameters, ChatRequest, Finished, Usage
from crafter.llm.prices import cost_usd
from crafter.llm.providers import ChatModels

log = structlog.get_logger("crafter.execution")


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Completed:
    """The answer is stored; ``message`` is as it was said."""

    message: Message
    usage: Usage
    cost: float


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no (whole) answer; what was said until then is stored."""

    error: CrafterError


TurnEvent = Delta | Completed | Failed


@dataclass(slots=True)
class Turn:
    """A message that was accepted and stored, about to be answered by a model, or already by a canned reply."""

    runtime: Runtime
    agent: Agent
    conversation: Conversation
    canned: CannedReply | None = None
    model: ChatModel | None = None
    request: ChatRequest | None = None
    provider: str = ""
    earlier: int = 0
    only_if: Mapping[str, Any] | None = None
    said: list[str] = field(default_factory=list)
    events: asyncio.Queue[TurnEvent] = field(default_factory=asyncio.Queue)


async def prepare(runtime: Runtime, models: ChatModels, caller: Caller, agent: Agent, said: Question) -> Turn:
    """Check everything that can be refused, then store the message.

    Raises ValidationFailed, NotAChatbot, ConversationNotFound, ConversationArchived, NoKeyConfigured,
    CredentialInactive, CapabilityMissing, ModelRetired.
    """
    user_identifier = said.user_identifier or caller.identifier
    if user_identifier is None:
        raise ValidationFailed([FieldError("user_identifier", "Invalid value: is required")])
    if agent.type != "chatbot":
        raise NotAChatbot
    conversation = await _conversation_of(agent, caller, said.conversation_id)
    canned = canned_reply(agent, conversation)
    connection = None if canned else await _connection_of(runtime, models, agent)
    if conversation is None:
        conversation = await conversation_service.create_conversation(
            agent, user=caller.user, user_api_key=caller.key, user_identifier=user_identifier
        )
        earlier: list[Message] = []
    else:
        earlier = await _earlier(runtime, agent, conversation)
    if said.context:
        conversation.dynamic_context = said.context
    await _store_question(runtime, caller, conversation, said, canned)
    turn = Turn(runtime, agent, conversation, canned, earlier=len(earlier))
    if connection is not None:
        _address(turn, connection, earlier, said.message)
    return turn


async def prepare_unasked(
    runtime: Runtime,
    models: ChatModels,
    agent: Agent,
    conversation: Conversation,
    instruction: str,
    *,
    only_if: Mapping[str, Any] | None = None,
) -> Turn:
    """A turn that no message began: the agent is told what to do by an instruction that is not stored.

    The answer is stored if ``only_if``, a filter, holds of the conversation by then. Raises what ``prepare`` raises.
    """
    connection = await _connection_of(runtime, models, agent)
    earlier = await _earlier(runtime, agent, conversation)
    turn = Turn(runtime, agent, conversation, earlier=len(earlier), only_if=only_if)
    _address(turn, connection, earlier, instruction)
    return turn


def start(turn: Turn, *, stream: bool) -> None:
    """Have the model answer in a task of its own; the events say how it goes."""
    turn.runtime.tasks.start(_run(turn, stream=stream), name=f"turn {turn.conversation.id}")


async def events_of(turn: Turn) -> AsyncIterator[TurnEvent]:
    """The events of a started turn; the last is Completed or Failed. Leaving early does not end the turn."""
    while True:
        event = await turn.events.get()
        yield event
        if not isinstance(event, Delta):
            return


async def completion_of(turn: Turn) -> Completed:
    """The stored answer of a started turn. Raises what the turn failed with."""
    async for event in events_of(turn):
        if isinstance(event, Completed):
            return event
        if isinstance(event, Failed):
            raise event.error
    raise CrafterError


async def _earlier(runtime: Runtime, agent: Agent, conversation: Conversation) -> list[Message]:
    """The newest messages, readable."""
    page = await message_store.read_newest(agent.scope, conversation.id, history_limit(agent))
    return privacy.unseal(conversation, [row.message for row in page.rows], runtime.keyring)


def _address(turn: Turn, connection: Connection, earlier: list[Message], text: str) -> None:
    """Decide what is sent, and to whom."""
    agent = turn.agent
    turn.provider, turn.model = connection.provider, connection.model
    turn.request = ChatRequest(
        model=agent.llm_settings.model,
        messages=build_messages(agent, turn.conversation, earlier, text),
        parameters=ChatParameters(**agent.llm_settings.parameters.model_dump(exclude_none=True)),
        cache_key=f"agent_{agent.id}",
    )


async def _conversation_of(agent: Agent, caller: Caller, conversation_id: str | None) -> Conversation | None:
    if conversation_id is None:
        return None
    try:
        conversation = await conversation_service.get_conversation(
            agent.scope, conversation_id, agent_id=agent.id, key_id=caller.key
        )
    except ConversationNotFound:
        raise ConversationOfAnother from None
    conversation_service.require_writable(conversation)
    return conversation


async def _connection_of(runtime: Runtime, models: ChatModels, agent: Agent) -> Connection:
    """The agent's model, to be asked with the agent's own key; a retired one puts the agent into error."""
    if not agent.api_key:
        raise NoKeyConfigured
    try:
        key = await api_key_service.get_key(agent.scope, agent.api_key)
    except ApiKeyNotFound:
        raise NoKeyConfigured from None
    try:
        return await connect(key, agent.llm_settings.model, runtime, models)
    except ModelRetired as retired:
        await agent_service.record_failure(agent, retired.message, threshold=1)
        raise


async def _store_question(
    runtime: Runtime, caller: Caller, conversation: Conversation, said: Question, canned: CannedReply | None
) -> None:
    question = Message(role="user", content=said.message, user=caller.user)
    changes: dict[str, Any] = dict(canned.changes) if canned else {}
    if said.context:
        changes |= {"dynamic_context": said.context, "dynamic_context_updated_at": utc_now()}
    sealed = privacy.seal(conversation, question, runtime.keyring)
    await message_store.append_messages(conversation.scope, conversation.id, [sealed], also=changes)


async def _run(turn: Turn, *, stream: bool) -> None:
    """Answer, store, report; whatever happens, the last event says it."""
    started = perf_counter()
    try:
        outcome: Finished | CrafterError = await _ask(turn, stream=stream)
    except asyncio.CancelledError:  # the server is stopping, and waits until we have stored what there is
        outcome = TurnInterrupted()
    except Exception as error:  # noqa: BLE001 - the task ends here; what is not known is logged
        outcome = _failure(turn, error)
    event = await to_its_end(_settle(turn, outcome, perf_counter() - started))
    turn.events.put_nowait(event)


async def _settle(turn: Turn, outcome: Finished | CrafterError, seconds: float) -> TurnEvent:
    """Store what was said, and note how the agent does."""
    try:
        if isinstance(outcome, Finished):
            event: TurnEvent = await _store_answer(turn, outcome, seconds)
        else:
            await _store_partial(turn, outcome, seconds)
            event = Failed(outcome)
    except Exception as error:  # noqa: BLE001 - as above
        event = Failed(_failure(turn, error))
    await _note(turn.agent, outcome)
    return event


async def _note(agent: Agent, outcome: Finished | CrafterError) -> None:
    """Keep the agent's status up to date; the turn is over, so it does not depend on this."""
    try:
        if isinstance(outcome, Finished):
            await agent_service.record_success(agent)
        elif isinstance(outcome, UpstreamFailed):
            await agent_service.record_failure(agent, outcome.message)
    except PyMongoError as error:
        log.warning("agent_status_not_noted", agent=agent.id, error=type(error).__name__)


def _failure(turn: Turn, error: Exception) -> CrafterError:
    """What an exception means to the caller; a mistake of ours is logged."""
    known = error if isinstance(error, CrafterError) else describe_failure(error)
    if known is None:
        log.error("turn_failed", agent=turn.agent.id, conversation=turn.conversation.id, exc_info=error)
    return known or CrafterError()


async def _ask(turn: Turn, *, stream: bool) -> Finished:
    assert turn.model is not None
    assert turn.request is not None
    if not stream:
        return await turn.model.complete(turn.request)
    async with aclosing(turn.model.stream(turn.request)) as events:
        async for event in events:
            if isinstance(event, Finished):
                return event
            turn.said.append(event.text)
            turn.events.put_nowait(Delta(event.text))
    raise UpstreamFailed(f"{turn.provider} API Error: the answer ended before it was complete")


async def _store_answer(turn: Turn, finished: Finished, seconds: float) -> Completed:
    usage = finished.usage
    assert turn.request is not None
    cost = cost_usd(turn.provider, turn.request.model, usage)
    facts: dict[str, Any] = {"state": "complete", "finish_reason": finished.finish_reason}
    if finished.dropped_parameters:
        facts["dropped_parameters"] = list(finished.dropped_parameters)
    if usage.estimated:
        facts["usage_estimated"] = True
    if cost is None:
        facts["cost_unknown"] = True
    amount = float(cost or 0)
    message = _answer(turn, finished.text, seconds, facts)
    message.token_usage = TokenUsage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        cost=amount,
    )
    counters = {"metadata.total_tokens_used": usage.total_tokens, "metadata.total_cost": amount}
    await _append(turn, message, counters)
    return Completed(message, usage, amount)


async def _store_partial(turn: Turn, error: CrafterError, seconds: float) -> None:
    """Keep what was said before the failure; nothing was said: nothing to keep."""
    if turn.said:
        message = _answer(turn, "".join(turn.said), seconds, {"state": "partial", "error": error.code})
        await _append(turn, message, {})


def _answer(turn: Turn, text: str, seconds: float, facts: dict[str, Any]) -> Message:
    assert turn.request is not None
    about = {
        "provider": turn.provider,
        "model": turn.request.model,
        "latency_ms": round(seconds * 1000),
        **facts,
    }
    steps = []
    if turn.agent.config.enable_thinking:
        steps = [
            ThinkingStep(
                step="analyze_input", reasoning=f"{turn.earlier} earlier messages of this conversation"
            ),
            ThinkingStep(step="final_response", reasoning=f"Answered by {turn.request.model}"),
        ]
    return Message(role="assistant", content=text, thinking_process=steps, metadata=about)


async def _append(turn: Turn, message: Message, counters: dict[str, float]) -> None:
    sealed = privacy.seal(turn.conversation, message, turn.runtime.keyring)
    await message_store.append_messages(
        turn.agent.scope, turn.conversation.id, [sealed], counters=counters, only_if=turn.only_if
    )
