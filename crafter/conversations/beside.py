"""The half of the service that stores what is found out beside the turns of a conversation, and what that took."""

from crafter.conversations.documents import Conversation
from crafter.core.tenancy import Scope

_ALIVE = {"lifecycle": {"$in": ["active", "archived", None]}}


async def add_costs(scope: Scope, conversation_id: str, tokens: int, cost: float) -> None:
    """Raise the running totals: tokens, and dollars. Nothing happens to a conversation that is gone."""
    raised = {"metadata.total_tokens_used": tokens, "metadata.total_cost": cost}
    await Conversation.within(scope).update_one({"_id": conversation_id, **_ALIVE}, {"$inc": raised})
