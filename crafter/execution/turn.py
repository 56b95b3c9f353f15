"""One turn: prepared while it can still be refused, then run by a task of its own, whoever stays to read it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from crafter.agents.documents import Agent
from crafter.calling.connection import Connection
from crafter.calling.purposes import Purpose
from crafter.calls.documents import CallSource
from crafter.conversations import messages as message_store
from crafter.conversations import privacy
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Conversation, Message
from crafter.conversations.errors import ConversationNotFound, ConversationOfAnother
from crafter.conversations.messages import Appended
from crafter.core.errors import CrafterError, FieldError, ValidationFailed
from crafter.core.runtime import Runtime
from crafter.core.tasks import to_its_end
from crafter.core.time import utc_now
from crafter.execution import handing_over, recording
from crafter.execution.addressing import connection_of, request_of
from crafter.execution.asides import course, silence
from crafter.execution.asides.aside import Aside
from crafter.execution.asides.suggestions import Suggestions
from crafter.execution.caller import Caller
from crafter.execution.canned import CannedReply, canned_reply
from crafter.execution.errors import NotAChatbot, TurnInterrupted
from crafter.execution.events import Delta, Failed, last_event, read_events
from crafter.execution.failures import failure_of, known, note_health
from crafter.execution.instructions import instructed
from crafter.execution.prompting import build_messages, history_limit
from crafter.execution.reasoning import DEFAULT_TIMEOUT_SECONDS, Reasoning
from crafter.execution.schemas import Question
from crafter.execution.summary import first_told
from crafter.execution.toolbox import toolbox_of
from crafter.handoff_requests.service import RequestedHandoff
from crafter.llm.providers import ChatModels


@dataclass(frozen=True, slots=True)
class Completed:
    """The answer is stored; ``message`` is as it was said, ``reasoning`` how it came about."""

    message: Message
    reasoning: Reasoning
    stored: Appended
    handoff: RequestedHandoff | None = None
    suggestions: Suggestions | None = None


TurnEvent = Delta | Completed | Failed


@dataclass(slots=True)
class Turn:
    """A message that was accepted and stored, about to be answered by a model, or already by a canned reply."""

    runtime: Runtime
    agent: Agent
    conversation: Conversation
    canned: CannedReply | None = None
    reasoning: Reasoning | None = None
    handoff: RequestedHandoff | None = None
    only_if: Mapping[str, Any] | None = None
    aside: Aside | None = None
    number: int = 0
    events: asyncio.Queue[TurnEvent] = field(default_factory=asyncio.Queue)


async def prepare(runtime: Runtime, models: ChatModels, caller: Caller, agent: Agent, said: Question) -> Turn:
    """Check everything that can be refused, then store the message.

    Raises ValidationFailed, NotAChatbot, ConversationNotFound, ConversationArchived, NoKeyConfigured,
    CredentialLimited, BudgetExceeded, BudgetBusy, PriceUnknown, and what ``connect`` raises.
    """
    user_identifier = said.user_identifier or caller.identifier
    if user_identifier is None:
        raise ValidationFailed([FieldError("user_identifier", "Invalid value: is required")])
    if agent.type != "chatbot":
        raise NotAChatbot
    conversation = await _conversation_of(agent, caller, said.conversation_id)
    canned = canned_reply(agent, conversation)
    agent = agent if canned else await instructed(agent)
    purpose = caller.purpose("chat", agent, user_identifier)
    connection = None if canned else await connection_of(runtime, models, agent, purpose)
    began = conversation is None
    if conversation is None:
        conversation = conversation_service.new_conversation(
            agent, user=caller.user, user_api_key=caller.key, user_identifier=user_identifier
        )
    if said.context:
        conversation.dynamic_context = said.context
    turn = Turn(runtime, agent, conversation, canned)
    turn.aside = Aside(runtime, models, agent, conversation)
    if connection is None:
        await _hear(turn, caller, said, began=began)
        return turn
    earlier = [] if began else await _earlier(runtime, agent, conversation)
    await _get_ready(turn, models, connection, earlier, said.message)
    try:
        await _hear(turn, caller, said, began=began)
    except BaseException:
        await to_its_end(connection.model.give_back())
        raise
    course.asked(turn.aside, said.message)
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
    agent = await instructed(agent)
    purpose = Purpose("chat", agent=agent.id, end_user=conversation.user_identifier)
    connection = await connection_of(runtime, models, agent, purpose)
    earlier = await _earlier(runtime, agent, conversation)
    turn = Turn(runtime, agent, conversation, only_if=only_if)
    await _get_ready(turn, models, connection, earlier, instruction, tools=False)
    return turn


def start(turn: Turn, *, stream: bool) -> None:
    """Have the model answer in a task of its own; the events say how it goes."""
    turn.runtime.tasks.start(_run(turn, stream=stream), name=f"turn {turn.conversation.id}")


def events_of(turn: Turn) -> AsyncIterator[TurnEvent]:
    """The events of a started turn; the last is Completed or Failed. Leaving early does not end the turn."""
    return read_events(turn.events)


async def completion_of(turn: Turn) -> Completed:
    """The stored answer of a started turn. Raises what the turn failed with."""
    return await last_event(turn.events)


async def _earlier(runtime: Runtime, agent: Agent, conversation: Conversation) -> list[Message]:
    """The newest messages that no summary stands for, readable."""
    page = await message_store.read_newest(agent.scope, conversation.id, history_limit(agent))
    first = first_told(conversation)
    rows = [row.message for row in page.rows if row.seq >= first]
    return privacy.unseal(conversation, rows, runtime.keyring)


async def _get_ready(
    turn: Turn,
    models: ChatModels,
    connection: Connection,
    earlier: list[Message],
    text: str,
    *,
    tools: bool = True,
) -> None:
    """Decide what is sent, to whom, and with which tools; the first call is let in already, or refused."""
    agent, runtime = turn.agent, turn.runtime
    connection.model.purpose.source = CallSource(type="conversation", id=turn.conversation.id)

    async def hand_over(arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert turn.reasoning is not None
        turn.handoff, closing = await handing_over.hand_over(agent, turn.conversation, arguments, runtime)
        turn.reasoning.closing = closing
        return handing_over.result_of(closing)

    own = {handing_over.TOOL: hand_over}
    turn.reasoning = Reasoning(
        connection,
        request_of(agent, build_messages(agent, turn.conversation, earlier, text)),
        tools=await toolbox_of(agent, runtime, models, own) if tools else None,
        most_calls=agent.config.max_tool_calls,
        timeout_seconds=agent.config.timeout_seconds or DEFAULT_TIMEOUT_SECONDS,
        say=lambda piece: turn.events.put_nowait(Delta(piece)),
    )
    await connection.model.reserve(turn.reasoning.opening)
    await turn.reasoning.step("analyze_input", f"{len(earlier)} earlier messages of this conversation")


async def _hear(turn: Turn, caller: Caller, said: Question, *, began: bool) -> None:
    """Store what the user said, and the conversation if it began with that."""
    assert turn.aside is not None
    conversation, changes = turn.conversation, turn.canned.changes if turn.canned else {}
    if began:
        await conversation_service.add_conversation(conversation)
    timers = silence.timers(turn.agent, utc_now())
    stored = await _store_question(turn.runtime, caller, conversation, said, {**changes, **timers})
    turn.number = stored.user_messages
    course.heard(turn.aside, said.message, changes, first=stored.seq == 1)


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


async def _store_question(
    runtime: Runtime, caller: Caller, conversation: Conversation, said: Question, changes: Mapping[str, Any]
) -> Appended:
    question = Message(role="user", content=said.message, user=caller.user)
    fields = dict(changes)
    if said.context:
        fields |= {"dynamic_context": said.context, "dynamic_context_updated_at": utc_now()}
    sealed = privacy.seal(conversation, question, runtime.keyring)
    return await message_store.append_messages(conversation.scope, conversation.id, [sealed], also=fields)


async def _run(turn: Turn, *, stream: bool) -> None:
    """Answer, store, report; whatever happens, the last event says it."""
    assert turn.reasoning is not None
    started = perf_counter()
    failure = await failure_of(turn.reasoning.run(stream=stream), TurnInterrupted, **_about(turn))
    event = await to_its_end(_settle(turn, failure, perf_counter() - started))
    try:
        if isinstance(event, Completed) and turn.aside is not None:
            event = replace(event, suggestions=await course.suggestions_for(turn.aside, event.reasoning))
    finally:  # also where the server stops meanwhile: the answer is stored
        turn.events.put_nowait(event)
    if isinstance(event, Completed) and turn.aside is not None:
        course.answered(turn.aside, turn.number, event.stored)


async def _settle(turn: Turn, failure: CrafterError | None, seconds: float) -> TurnEvent:
    """Store what was said, and note how the agent does."""
    try:
        event: TurnEvent = await _store(turn, failure, seconds)
    except Exception as error:  # noqa: BLE001 - as above
        event = Failed(known(error, **_about(turn)))
    await note_health(turn.agent, failure)
    return event


async def _store(turn: Turn, failure: CrafterError | None, seconds: float) -> Completed | Failed:
    agent, reasoning = turn.agent, turn.reasoning
    assert reasoning is not None
    if failure is not None:
        partial = recording.partial_message(agent, reasoning, seconds, failure)
        if partial is not None:
            await _append(turn, partial, recording.counters_of(reasoning))
        return Failed(failure)
    message = recording.answer_message(agent, reasoning, seconds)
    stored = await _append(turn, message, recording.counters_of(reasoning))
    return Completed(message, reasoning, stored, turn.handoff)


def _about(turn: Turn) -> dict[str, str]:
    return {"agent": turn.agent.id, "conversation": turn.conversation.id}


async def _append(turn: Turn, message: Message, counters: dict[str, float]) -> Appended:
    sealed = privacy.seal(turn.conversation, message, turn.runtime.keyring)
    return await message_store.append_messages(
        turn.agent.scope, turn.conversation.id, [sealed], counters=counters, only_if=turn.only_if
    )
