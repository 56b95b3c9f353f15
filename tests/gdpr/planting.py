"""What an end user leaves behind."""

from datetime import datetime
from typing import Any

from crafter.agent_executions import service as execution_service
from crafter.agent_executions.documents import AgentExecution, ExecutedTool, TaskMetadata, TaskStep
from crafter.agents.documents import Agent
from crafter.conversations import messages as message_store
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Conversation, Message, MessageSegment
from crafter.conversations.privacy import seal
from crafter.core.runtime import Runtime
from crafter.core.tenancy import Scope

SECRET = "what nobody else may know"


async def talk(
    agent: Agent,
    runtime: Runtime,
    *,
    user: str = "u9",
    messages: int = 1,
    begun: datetime | None = None,
    **fields: Any,
) -> Conversation:
    """A conversation with so many messages; from a hundred on, some of them are in segments."""
    conversation = await conversation_service.create_conversation(agent, user=None, user_identifier=user)
    said = [Message(role="user", content=f"{SECRET} {number}") for number in range(1, messages + 1)]
    if said:
        sealed = [seal(conversation, message, runtime.keyring) for message in said]
        await message_store.append_messages(agent.scope, conversation.id, sealed)
    if begun is not None:
        fields["created_at"] = begun
    if fields:
        await Conversation.within(agent.scope).update_one({"_id": conversation.id}, {"$set": fields})
    return conversation


async def run(agent: Agent, *, user: str | None = "u9", **fields: Any) -> AgentExecution:
    """A run with something in each place."""
    told: dict[str, Any] = {
        "input": SECRET,
        "output": {"answer": SECRET},
        "status": "completed",
        "thinking_process": [TaskStep(step="think", reasoning=SECRET)],
        "tools_executed": [ExecutedTool(tool_name="calculator", result=SECRET)],
        "output_files": [{"filename": SECRET}],
        "metadata": TaskMetadata(user_identifier=user, request_id=SECRET),
    }
    execution = AgentExecution(
        organization=agent.organization, project=agent.project, agent=agent.id, **(told | fields)
    )
    await execution_service.add_execution(execution)
    return execution


async def conversations_in(scope: Scope) -> set[str]:
    return {row["_id"] for row in await Conversation.within(scope).find({}, limit=10_000)}


async def segments_in(scope: Scope) -> int:
    return await MessageSegment.within(scope).count({})


async def runs_in(scope: Scope) -> set[str]:
    return {row["_id"] for row in await AgentExecution.within(scope).find({}, limit=10_000)}
