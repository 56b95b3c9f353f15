"""An agent asks for a human: what is stored, what is refused, and what the webhook gets."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from crafter.agents.configuration import AgentConfig, HandoffConfig
from crafter.agents.documents import Agent
from crafter.agents.secrets import HANDOFF, secret_place
from crafter.conversations.documents import Conversation
from crafter.conversations.service import get_conversation
from crafter.core.runtime import Runtime
from crafter.handoff_requests.errors import AlreadyHandedOff, HandoffNotAllowed, NobodyOnline
from crafter.handoff_requests.service import HandoffWish, request_handoff
from crafter.operators.documents import ExternalOperator
from tests.factories import make_agent
from tests.fakes.listener import Listener, listening
from tests.fixtures import Cast
from tests.handoffs.conftest import begin, taken, url

WISH = HandoffWish("wants human", "high", "Lost a parcel, is upset – äöü")


async def agent_with(cast: Cast, runtime: Runtime, **handoff: Any) -> Agent:
    config = AgentConfig(handoff_config=HandoffConfig(**handoff))
    made: Agent = await make_agent(cast.project, runtime.keyring, name="asking", config=config)
    return made


async def test_a_request_waits_for_operators(
    as_member: httpx2.AsyncClient, agent: Agent, conversation: Conversation, runtime: Runtime
) -> None:
    requested = await request_handoff(agent, conversation, WISH, runtime)

    info = requested.as_info()
    assert info.pop("requested_at") == requested.requested_at
    assert info == {
        "reason": "wants human",
        "urgency": "high",
        "context_summary": "Lost a parcel, is upset – äöü",
        "status": "handoff_requested",
    }
    [shown] = (await as_member.get("/handoffs/pending")).json()["conversations"]
    assert shown["_id"] == conversation.id
    stored = shown["handoff_info"]
    assert (stored["requested_by"], stored["handoff_message"]) == ("agent", WISH.context_summary)


async def test_of_many_requests_one_is_stored(
    agent: Agent, conversation: Conversation, runtime: Runtime
) -> None:
    wishes = (request_handoff(agent, conversation, WISH, runtime) for _ in range(8))

    outcomes = await asyncio.gather(*wishes, return_exceptions=True)

    assert sum(isinstance(outcome, AlreadyHandedOff) for outcome in outcomes) == 7


async def test_a_second_handoff_forgets_the_first(
    as_member: httpx2.AsyncClient, agent: Agent, conversation: Conversation, runtime: Runtime
) -> None:
    await taken(as_member, conversation)
    with pytest.raises(AlreadyHandedOff):
        await request_handoff(agent, conversation, WISH, runtime)
    await as_member.post(url(conversation, "/handback"))

    await request_handoff(agent, conversation, WISH, runtime)

    info = (await get_conversation(agent.scope, conversation.id)).handoff_info
    assert (info.assigned_human, info.handed_off_at, info.fallback_attempts) == (None, None, 0)


async def test_an_agent_that_may_not_does_not(cast: Cast, runtime: Runtime) -> None:
    agent = await agent_with(cast, runtime, allow_agent_handoff=False)
    conversation = await begin(agent)

    with pytest.raises(HandoffNotAllowed):
        await request_handoff(agent, conversation, WISH, runtime)


@pytest.mark.parametrize(("status", "there"), [("online", True), ("busy", False), ("offline", False)])
async def test_an_agent_may_want_somebody_who_is_there(
    cast: Cast, runtime: Runtime, status: Any, there: bool
) -> None:
    agent = await agent_with(cast, runtime, require_online_operator=True)
    conversation = await begin(agent)
    operator = ExternalOperator(
        organization=agent.organization, project=agent.project, external_id="e", name="Eve", status=status
    )
    await ExternalOperator.within(agent.scope).insert(operator.to_stored())

    if there:
        await request_handoff(agent, conversation, WISH, runtime)
    else:
        with pytest.raises(NobodyOnline):
            await request_handoff(agent, conversation, WISH, runtime)


@pytest.fixture
async def hook(
    monkeypatch: pytest.MonkeyPatch, runtime: Runtime
) -> AsyncIterator[tuple[Listener, list[bytes]]]:
    """A webhook on loopback that is allowed for once, and the bodies that it got."""
    bodies: list[bytes] = []
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = listener.heads[-1].lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        bodies.append(await reader.readexactly(length))
        writer.write(reply)

    async with listening(handle) as listener:
        allowed = [*runtime.settings.tenant_egress_allow, f"127.0.0.1:{listener.port}"]
        monkeypatch.setattr(runtime.settings, "tenant_egress_allow", allowed)
        yield listener, bodies


async def test_the_webhook_is_told_once_and_signed(
    cast: Cast, runtime: Runtime, hook: tuple[Listener, list[bytes]]
) -> None:
    listener, bodies = hook
    agent = await agent_with(cast, runtime, webhook_url=f"http://127.0.0.1:{listener.port}/hook")
    sealed = runtime.keyring.encrypt("s3cret", secret_place(agent, HANDOFF))
    agent.config.handoff_config.webhook_secret = sealed
    conversation = await begin(agent)

    requested = await request_handoff(agent, conversation, WISH, runtime)
    await runtime.tasks.idle()

    [body] = bodies
    told = json.loads(body)
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "event": "handoff_requested",
        "conversation_id": conversation.id,
        "agent_id": agent.id,
        "reason": "wants human",
        "urgency": "high",
        "context_summary": requested.wish.context_summary,
    }
    mark = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert f"x-webhook-signature: sha256={mark}" in listener.heads[-1].lower()
    assert "content-type: application/json" in listener.heads[-1].lower()


async def test_a_webhook_that_may_not_be_called_does_not_undo_the_request(
    cast: Cast, runtime: Runtime
) -> None:
    agent = await agent_with(cast, runtime, webhook_url="http://169.254.169.254/latest")
    conversation = await begin(agent)

    await request_handoff(agent, conversation, WISH, runtime)
    await runtime.tasks.idle()

    assert (await get_conversation(agent.scope, conversation.id)).status == "handoff_requested"
