"""From the conversation in the path to the document."""

from typing import Annotated

from fastapi import Depends

from crafter.agents.dependencies import CurrentAgent
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Conversation
from crafter.core.ids import EntityId
from crafter.organizations.dependencies import CurrentAccess


async def get_conversation(
    conversation_id: EntityId, project_id: EntityId, access: CurrentAccess
) -> Conversation:
    """A conversation of the project; anybody else's is 404."""
    return await conversation_service.get_conversation(access.in_project(project_id), conversation_id)


async def get_conversation_of_agent(conversation_id: EntityId, agent: CurrentAgent) -> Conversation:
    """A conversation of the agent in the path; another agent's is 404."""
    return await conversation_service.get_conversation(agent.scope, conversation_id, agent_id=agent.id)


CurrentConversation = Annotated[Conversation, Depends(get_conversation)]
ConversationOfAgent = Annotated[Conversation, Depends(get_conversation_of_agent)]
