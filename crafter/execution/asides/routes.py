"""The summary of a conversation: read, or made at once."""

from starlette.responses import Response

from crafter.agents.dependencies import CurrentAgent
from crafter.agents.errors import AgentNotFound
from crafter.api_keys.errors import NOT_USABLE, CredentialLimited
from crafter.budgets.errors import BUDGET_REFUSALS
from crafter.calling.dependencies import CurrentModels
from crafter.conversations import messages as message_store
from crafter.conversations import service as conversation_service
from crafter.conversations.dependencies import ConversationOfAgent
from crafter.conversations.errors import ConversationArchived, ConversationNotFound
from crafter.core.errors import UpstreamFailed, UpstreamTimedOut, documented
from crafter.core.runtime import CurrentRuntime
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.execution.asides import presentation
from crafter.execution.asides.aside import Aside
from crafter.execution.asides.errors import ConversationEncrypted
from crafter.execution.asides.schemas import Summarized, SummaryAnswer
from crafter.execution.asides.summaries import summarize
from crafter.execution.errors import NoKeyConfigured
from crafter.organizations.dependencies import require
from crafter.organizations.permissions import Permission

router = feature_router(
    "/organizations/{organization_id}/projects/{project_id}/agents/{agent_id}/conversations/{conversation_id}",
    tag="Conversations",
)


@router.post(
    "/summarize",
    response_model=Summarized,
    dependencies=[require(Permission.agents_chat)],
    responses=documented(
        AgentNotFound,
        ConversationNotFound,
        ConversationArchived,
        ConversationEncrypted,
        NoKeyConfigured,
        *NOT_USABLE,
        CredentialLimited,
        *BUDGET_REFUSALS,
        UpstreamFailed,
        UpstreamTimedOut,
    ),
)
async def summarize_conversation(
    agent: CurrentAgent, conversation: ConversationOfAgent, runtime: CurrentRuntime, models: CurrentModels
) -> Response:
    """Summarise a conversation that has fifteen messages or more behind its last summary. Turns do so by themselves."""
    conversation_service.require_writable(conversation)
    aside = Aside(runtime, models, agent, conversation)
    if aside.is_private:
        raise ConversationEncrypted
    after = await summarize(aside)
    page = await message_store.read_newest(conversation.scope, conversation.id, 1)
    if after is None:
        return json_response(presentation.show_unneeded(conversation, page.total))
    return json_response(presentation.show_summarized(after, page.total))


@router.get(
    "/summary",
    response_model=SummaryAnswer,
    dependencies=[require(Permission.conversations_read)],
    responses=documented(AgentNotFound, ConversationNotFound),
)
async def get_summary(conversation: ConversationOfAgent) -> Response:
    """What was said in a conversation, in short, and how up to date that is."""
    page = await message_store.read_newest(conversation.scope, conversation.id, 1)
    return json_response(presentation.show_summary(conversation, page.total))
