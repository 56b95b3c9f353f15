"""A conversation that somebody waits in, and how it is reached."""

from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.conversations import messages as message_store
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Conversation, Message
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from tests.factories import make_agent
from tests.fixtures import Cast


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    made: Agent = await make_agent(cast.project, runtime.keyring, name="helper", description="Helps")
    return made


@pytest.fixture
async def conversation(agent: Agent) -> Conversation:
    """One message was said, by the customer."""
    return await begin(agent)


@pytest.fixture
async def waiting(agent: Agent) -> Conversation:
    """The customer wants a human."""
    return await wait_for_human(await begin(agent))


async def begin(agent: Agent, text: str = "Hello", **fields: Any) -> Conversation:
    """A conversation in which the customer has said something."""
    begun = await conversation_service.create_conversation(agent, user=None, user_identifier="visitor")
    await message_store.append_messages(
        agent.scope, begun.id, [Message(role="user", content=text)], also=fields
    )
    return begun


async def wait_for_human(conversation: Conversation, **fields: Any) -> Conversation:
    """Set a conversation into the state of waiting."""
    state = {
        "status": "handoff_requested",
        "handoff_info.requested_at": utc_now(),
        "handoff_info.requested_by": "agent",
        "handoff_info.reason": "wants human",
        "handoff_info.urgency": "high",
        **fields,
    }
    await conversation_service.set_state(conversation.scope, conversation.id, state)
    return await conversation_service.get_conversation(conversation.scope, conversation.id)


def url(conversation: Conversation, tail: str = "") -> str:
    return f"/handoffs/conversations/{conversation.id}{tail}"


async def taken(client: httpx2.AsyncClient, conversation: Conversation, **body: Any) -> dict[str, Any]:
    """Take a conversation over."""
    response = await client.post(url(conversation, "/takeover"), json=body)
    assert response.status_code == 200, response.text
    shown: dict[str, Any] = response.json()
    return shown
