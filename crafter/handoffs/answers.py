"""What is answered to operators, people and programs alike, for what they see and do."""

from collections.abc import Mapping
from typing import Any

from crafter.conversations import handling
from crafter.conversations.documents import Conversation
from crafter.core.pagination import NumberedPage
from crafter.core.runtime import Runtime
from crafter.core.tenancy import Scope, ScopeSet, Sort
from crafter.handoffs import presentation
from crafter.handoffs import service as handoff_service
from crafter.handoffs.schemas import (
    ConversationDetails,
    Done,
    HandledConversations,
    OperatorMessageBody,
    TakenOver,
    TakeoverBody,
)
from crafter.llm.providers import ChatModels
from crafter.organizations.service import Access

MOST_MESSAGES = 1_000


async def listed(
    scopes: Scope | ScopeSet, where: Mapping[str, Any], sort: Sort, page: NumberedPage, runtime: Runtime
) -> HandledConversations:
    """A page of conversations; conditions that are None were not given."""
    given = {field: value for field, value in where.items() if value is not None}
    rows, total = await handling.list_full(scopes, given, sort, page)
    return await presentation.show_page(scopes, rows, total, page, runtime.keyring)


async def details(conversation: Conversation, runtime: Runtime) -> ConversationDetails:
    """One conversation with its newest messages, at most 1,000."""
    shown = await presentation.show(conversation, runtime.keyring, messages=MOST_MESSAGES, described=True)
    window = presentation.messaging_window(conversation)
    return ConversationDetails(conversation=shown, messaging_window=window)


async def taken_over(
    conversation: Conversation, access: Access, body: TakeoverBody, runtime: Runtime, models: ChatModels
) -> TakenOver:
    """A conversation that an operator has now. Raises what the service raises."""
    changed, actor = await handoff_service.take_over(conversation, access, body, runtime, models)
    return TakenOver(
        conversation=await presentation.show(changed, runtime.keyring),
        operator=presentation.show_operator(actor),
        message="Conversation taken over successfully",
    )


async def message_sent(
    conversation: Conversation,
    access: Access,
    body: OperatorMessageBody,
    runtime: Runtime,
    models: ChatModels,
) -> Done:
    """A conversation in which an operator has said something. Raises what the service raises."""
    changed = await handoff_service.send_message(conversation, access, body, runtime, models)
    shown = await presentation.show(changed, runtime.keyring)
    return Done(message="Message sent successfully", conversation=shown)


async def handed_back(
    conversation: Conversation, access: Access, external_operator_id: str | None, runtime: Runtime
) -> Done:
    """A conversation that the agent has again. Raises what the service raises."""
    changed = await handoff_service.hand_back(conversation, access, external_operator_id, runtime)
    shown = await presentation.show(changed, runtime.keyring)
    return Done(message="Conversation handed back to agent", conversation=shown)
