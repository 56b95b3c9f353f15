"""What operators do with conversations: one update each, which its filter decides, so of two racers one wins."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from crafter.agents import service as agent_service
from crafter.conversations import handling, privacy
from crafter.conversations import messages as message_store
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Conversation, Message
from crafter.conversations.errors import ConversationNotFound
from crafter.conversations.handling import WAITING, WITH_A_HUMAN, WITH_THE_AGENT
from crafter.core.errors import CrafterError
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.execution import turn as turns
from crafter.execution.asides import course
from crafter.execution.turn import Completed
from crafter.handoffs.actors import NOBODY_HOLDS, Actor, assigned_external, internal
from crafter.handoffs.errors import (
    AlreadyTaken,
    MessageRequired,
    NothingToHandBack,
    NotTheirsToHandBack,
    NotTheOperator,
    NotUnderHumanControl,
    NotWaiting,
)
from crafter.handoffs.schemas import OperatorMessageBody, RefusalBody, TakeoverBody
from crafter.llm.providers import ChatModels
from crafter.organizations.service import Access, Memberships

log = structlog.get_logger("crafter.handoffs")

REFUSED = "A human operator is not available right now. Our AI assistant continues to help you."
_AFTER_REFUSAL = (
    "The request for a human operator was declined. Tell the user politely that nobody can join right now, "
    "and go on helping with what they last asked for."
)
_OPEN = {"lifecycle": {"$in": ["active", None]}}


async def get_conversation(memberships: Memberships, conversation_id: str) -> tuple[Conversation, Access]:
    """A conversation in any of the person's organizations, and what they may do there. Raises ConversationNotFound."""
    everywhere = memberships.everywhere()
    conversation = await handling.get_among(everywhere, conversation_id)
    return conversation, memberships.accesses[conversation.organization]


async def take_over(
    conversation: Conversation, access: Access, body: TakeoverBody, runtime: Runtime, models: ChatModels
) -> tuple[Conversation, Actor]:
    """Give a conversation to an operator. Raises AlreadyTaken, ConversationArchived and ConversationNotFound."""
    actor = internal(access.user)
    if body.external_operator is not None:
        given = body.external_operator
        actor = Actor("external", given.external_id, given.name, given.email, given.avatar_url)
    now = utc_now()
    joined = Message(
        role="system",
        content=f"You are now connected with {actor.name} from our support team.",
        code="HUMAN_JOINED",
        handler_info=actor.handler_info(now),
    )
    messages = [joined] if body.message is None else [joined, _said(actor, body.message)]
    state = {"status": WITH_A_HUMAN, "current_handler": "human", "handoff_info.handed_off_at": now}
    free = {"$or": [{"status": {"$ne": WITH_A_HUMAN}}, NOBODY_HOLDS]}
    changed = await _change(conversation, messages, state | actor.assigned(), free, runtime)
    if changed is None:
        raise AlreadyTaken
    if body.message is not None:
        course.said_by_operator(changed, body.message, runtime, models)
    return changed, actor


async def send_message(
    conversation: Conversation,
    access: Access,
    body: OperatorMessageBody,
    runtime: Runtime,
    models: ChatModels,
) -> Conversation:
    """Say something as the operator. Raises MessageRequired, NotUnderHumanControl, NotTheOperator."""
    if body.message is None:
        raise MessageRequired
    if conversation.status != WITH_A_HUMAN:
        raise NotUnderHumanControl
    actor = _acting(conversation, access, body.external_operator_id)
    if actor is None:
        raise NotTheOperator
    held = {"status": WITH_A_HUMAN, **actor.holds()}
    changed = await _change(conversation, [_said(actor, body.message)], {}, held, runtime)
    if changed is None:
        raise NotTheOperator
    course.said_by_operator(changed, body.message, runtime, models)
    return changed


async def hand_back(
    conversation: Conversation, access: Access, external_operator_id: str | None, runtime: Runtime
) -> Conversation:
    """Give a conversation back to its agent; also one that has no operator. The operator stays recorded.

    Raises NothingToHandBack and NotTheirsToHandBack.
    """
    if conversation.status != WITH_A_HUMAN:
        raise NothingToHandBack
    actor = _acting(conversation, access, external_operator_id)
    holders = [NOBODY_HOLDS] if actor is None else [NOBODY_HOLDS, actor.holds()]
    back = Message(role="system", content="You are now back with our AI assistant.", code="AI_JOINED")
    state = {"status": WITH_THE_AGENT, "current_handler": "agent"}
    held = {"status": WITH_A_HUMAN, "$or": holders}
    changed = await _change(conversation, [back], state, held, runtime)
    if changed is None:
        raise NotTheirsToHandBack
    return changed


async def refuse(
    conversation: Conversation, access: Access, body: RefusalBody, runtime: Runtime, models: ChatModels
) -> Completed | None:
    """Decline a request for a human; the agent answers at once. None when it cannot. Raises NotWaiting."""
    state = {
        "status": WITH_THE_AGENT,
        "current_handler": "agent",
        "handoff_info.refused_at": utc_now(),
        "handoff_info.refused_by": body.external_operator_id or access.user.id,
        "handoff_info.refusal_reason": body.reason,
    }
    message = Message(role="system", content=REFUSED, code="HANDOFF_REFUSED")
    changed = await _change(conversation, [message], state, {"status": WAITING}, runtime)
    if changed is None:
        now = await conversation_service.get_conversation(conversation.scope, conversation.id)
        raise NotWaiting(current_status=now.status)
    return await answer_unasked(changed, _AFTER_REFUSAL, {"status": WITH_THE_AGENT}, runtime, models)


async def answer_unasked(
    conversation: Conversation,
    instruction: str,
    only_if: Mapping[str, Any],
    runtime: Runtime,
    models: ChatModels,
) -> Completed | None:
    """Have the agent say something of its own accord; None, and a line in the log, when it cannot."""
    try:
        agent = await agent_service.get_agent(conversation.scope, conversation.agent)
        if not agent.is_active:
            return None
        turn = await turns.prepare_unasked(runtime, models, agent, conversation, instruction, only_if=only_if)
        turns.start(turn, stream=False)
        return await turns.completion_of(turn)
    except CrafterError as error:
        log.warning("unasked_answer_failed", conversation=conversation.id, code=error.code)
        return None


async def _change(
    conversation: Conversation,
    messages: Sequence[Message],
    state: Mapping[str, Any],
    only_if: Mapping[str, Any],
    runtime: Runtime,
) -> Conversation | None:
    """Add messages and change the state in one step; None where ``only_if`` does not hold (any more).

    Raises ConversationNotFound and ConversationArchived.
    """
    sealed = [privacy.seal(conversation, message, runtime.keyring) for message in messages]
    try:
        await message_store.append_messages(
            conversation.scope, conversation.id, sealed, also=dict(state), only_if={**only_if, **_OPEN}
        )
    except ConversationNotFound:
        now = await conversation_service.get_conversation(conversation.scope, conversation.id)
        conversation_service.require_writable(now)
        return None
    return await conversation_service.get_conversation(conversation.scope, conversation.id)


def _acting(conversation: Conversation, access: Access, external_operator_id: str | None) -> Actor | None:
    """Who speaks; None when that operator does not have the conversation."""
    info = conversation.handoff_info
    if external_operator_id is not None:
        return assigned_external(info, external_operator_id)
    return internal(access.user) if info.assigned_human == access.user.id else None


def _said(actor: Actor, text: str) -> Message:
    return Message(role="human_operator", content=text, handler_info=actor.handler_info(utc_now()))
