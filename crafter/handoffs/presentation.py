"""How conversations are shown to operators."""

from collections.abc import Sequence
from datetime import timedelta

from crafter.agents import service as agent_service
from crafter.conversations import messages as message_store
from crafter.conversations import presentation
from crafter.conversations.documents import Conversation
from crafter.conversations.handling import Full
from crafter.core.pagination import NumberedPage
from crafter.core.secrets import Keyring
from crafter.core.tenancy import Scope, ScopeSet
from crafter.core.time import utc_now
from crafter.handoffs.actors import Actor
from crafter.handoffs.schemas import (
    AgentRef,
    HandledConversation,
    HandledConversations,
    MessagingWindow,
    OperatorRef,
    Pagination,
)

MOST_MESSAGES = 200
"""Of a conversation that was just changed; whoever has it open has the older ones."""

_WINDOW = timedelta(hours=24)


async def show(
    conversation: Conversation, keyring: Keyring, *, messages: int = MOST_MESSAGES, described: bool = False
) -> HandledConversation:
    """A conversation with its newest messages and its agent."""
    page = await message_store.read_newest(conversation.scope, conversation.id, messages)
    agents = await _agents(conversation.scope, [conversation], described=described)
    return _shown(Full(conversation, page), agents, keyring)


async def show_page(
    scopes: Scope | ScopeSet, rows: Sequence[Full], total: int, page: NumberedPage, keyring: Keyring
) -> HandledConversations:
    """A page of conversations with their newest messages and their agents."""
    agents = await _agents(scopes, [row.conversation for row in rows], described=False)
    pages = -(-total // page.limit)
    return HandledConversations(
        conversations=[_shown(row, agents, keyring) for row in rows],
        pagination=Pagination(page=page.page, limit=page.limit, total=total, pages=pages),
    )


def show_operator(actor: Actor) -> OperatorRef:
    """Who has a conversation now."""
    return OperatorRef(
        type=actor.type, id=actor.id, name=actor.name, email=actor.email, avatar_url=actor.avatar_url
    )


def messaging_window(conversation: Conversation) -> MessagingWindow | None:
    """Until when one may write; None for channels that have no such limit."""
    if conversation.channel != "whatsapp":
        return None
    last = conversation.last_customer_message_at
    expires = last + _WINDOW if last is not None else None
    return MessagingWindow(
        last_customer_message_at=last,
        expires_at=expires,
        is_open=expires is not None and expires > utc_now(),
    )


async def _agents(
    scopes: Scope | ScopeSet, conversations: Sequence[Conversation], *, described: bool
) -> dict[str, AgentRef]:
    """The agents of these conversations by id, in one query; of those that are gone the id is left."""
    wanted = {conversation.agent for conversation in conversations}
    if not wanted:
        return {}
    found = await agent_service.find_summaries(scopes, wanted)
    refs = {agent_id: AgentRef.from_stored(found.get(agent_id, {"_id": agent_id})) for agent_id in wanted}
    if not described:
        refs = {agent_id: ref.model_copy(update={"description": None}) for agent_id, ref in refs.items()}
    return refs


def _shown(full: Full, agents: dict[str, AgentRef], keyring: Keyring) -> HandledConversation:
    shown = presentation.show(full.conversation, full.page, keyring)
    fields = {name: getattr(shown, name) for name in type(shown).model_fields if name != "agent"}
    return HandledConversation.model_construct(agent=agents[full.conversation.agent], **fields)
