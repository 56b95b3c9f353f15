"""Erasure: an end user is forgotten in a whole organization."""

from crafter.agent_executions import service as execution_service
from crafter.conversations import service as conversation_service
from crafter.core.tenancy import Scope
from crafter.gdpr.schemas import Anonymised, Deleted, ErasureDone
from crafter.sessions import service as session_service


async def erase(scope: Scope, user_identifier: str) -> ErasureDone:
    """Delete what was said with an end user, and take them out of what stays.

    The session comes first, so that nothing new is said in it. Safe to repeat after a failure.
    """
    sessions = await session_service.delete_called(scope, user_identifier)
    conversations = await conversation_service.delete_with(scope, user_identifier)
    executions = await execution_service.anonymise(scope, user_identifier)
    return ErasureDone(
        message="Erasure complete",
        user_identifier=user_identifier,
        deleted=Deleted(conversations=conversations, session_tokens=sessions),
        anonymised=Anonymised(agent_executions=executions),
    )
