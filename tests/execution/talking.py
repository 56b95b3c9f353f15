"""Conversations of several turns, and what became of them once everything beside them is done."""

import asyncio
from typing import Any

import httpx2

from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from tests.execution.test_chat import ASK, conversation_of, url


async def talk(
    client: httpx2.AsyncClient, agent: Agent, *messages: str, conversation_id: str | None = None
) -> str:
    """Say these things one after the other; answers the id of the conversation."""
    for message in messages:
        said = {**ASK, "message": message, "conversation_id": conversation_id}
        response = await client.post(url(agent), json=said)
        assert response.status_code == 200, response.text
        conversation_id = response.json()["conversation_id"]
    assert conversation_id is not None
    return conversation_id


async def settled(
    client: httpx2.AsyncClient, agent: Agent, runtime: Runtime, conversation_id: str
) -> dict[str, Any]:
    """The conversation when nothing runs any more."""
    async with asyncio.timeout(20):
        await runtime.tasks.idle()
    return await conversation_of(client, agent, conversation_id)
