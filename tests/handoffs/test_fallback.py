"""Agents that speak while nobody comes: when, how often, and in just one of several processes."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from crafter.agents.configuration import AgentConfig, HandoffConfig
from crafter.agents.documents import Agent
from crafter.conversations import messages as message_store
from crafter.conversations.documents import Conversation
from crafter.conversations.service import get_conversation, set_state
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.handoffs.fallback import LEASE, keep_sweeping, sweep
from crafter.llm.providers import ChatModels
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply
from tests.fixtures import Cast
from tests.handoffs.conftest import begin, wait_for_human

TIMEOUT = 60


@pytest.fixture
def models(app: Any) -> ChatModels:
    found: ChatModels = app.state.models
    return found


@pytest.fixture
async def patient(cast: Cast, runtime: Runtime) -> Agent:
    """An agent that speaks after a minute, twice."""
    handoff = HandoffConfig(
        fallback_timeout_seconds=TIMEOUT, max_fallback_attempts=2, fallback_prompt="Say that you are sorry."
    )
    config = AgentConfig(handoff_config=handoff)
    made: Agent = await make_agent(cast.project, runtime.keyring, name="patient", config=config)
    return made


async def waiting_for(agent: Agent, seconds: float, **fields: Any) -> Conversation:
    asked = utc_now() - timedelta(seconds=seconds)
    return await wait_for_human(await begin(agent), **{"handoff_info.requested_at": asked, **fields})


async def said(conversation: Conversation) -> list[str]:
    page = await message_store.read_newest(conversation.scope, conversation.id, 50)
    return [row.message.content for row in page.rows if row.message.role == "assistant"]


async def info_of(conversation: Conversation) -> Any:
    return (await get_conversation(conversation.scope, conversation.id)).handoff_info


async def test_the_agent_speaks_when_somebody_has_waited_too_long(
    patient: Agent, runtime: Runtime, models: ChatModels, provider: FakeProvider
) -> None:
    provider.script(Reply("Sorry, one moment."))
    conversation = await waiting_for(patient, TIMEOUT + 1)

    spoken = await sweep(runtime, models)
    again = await sweep(runtime, models)

    assert (spoken, again) == (1, 0)
    assert await said(conversation) == ["Sorry, one moment."]
    info = await info_of(conversation)
    assert (info.fallback_attempts, info.fallback_locked_until) == (1, None)
    assert info.last_fallback_at is not None
    assert provider.requests[-1].body["messages"][-1]["content"] == "Say that you are sorry."
    now = await get_conversation(conversation.scope, conversation.id)
    assert now.status == "handoff_requested"


async def test_it_speaks_no_more_often_than_it_may(
    patient: Agent, runtime: Runtime, models: ChatModels
) -> None:
    conversation = await waiting_for(patient, 10 * TIMEOUT)

    for _ in range(4):
        await sweep(runtime, models)
        long_ago = {"handoff_info.last_fallback_at": utc_now() - timedelta(seconds=TIMEOUT + 1)}
        await set_state(conversation.scope, conversation.id, long_ago)

    assert len(await said(conversation)) == 2


@pytest.mark.parametrize(
    ("seconds", "fields"),
    [
        (TIMEOUT - 10, {}),
        (25 * 3600, {}),
        (TIMEOUT + 1, {"status": "human_controlled"}),
        (TIMEOUT + 1, {"status": "agent_controlled"}),
        (TIMEOUT + 1, {"lifecycle": "archived"}),
        (TIMEOUT + 1, {"handoff_info.fallback_attempts": 2}),
        (TIMEOUT + 1, {"handoff_info.fallback_locked_until": utc_now() + timedelta(hours=1)}),
        (TIMEOUT + 1, {"handoff_info.last_fallback_at": utc_now() + timedelta(hours=1)}),
    ],
    ids=["too early", "too late", "taken over", "back", "closed", "used up", "leased", "spoke just now"],
)
async def test_it_is_silent_otherwise(
    patient: Agent, runtime: Runtime, models: ChatModels, seconds: float, fields: dict[str, Any]
) -> None:
    conversation = await waiting_for(patient, seconds, **fields)

    assert await sweep(runtime, models) == 0
    assert await said(conversation) == []


async def test_an_agent_without_a_timeout_is_silent(
    agent: Agent, runtime: Runtime, models: ChatModels
) -> None:
    await waiting_for(agent, 1000)

    assert await sweep(runtime, models) == 0


async def test_of_many_sweeps_at_once_one_speaks(
    patient: Agent, runtime: Runtime, models: ChatModels, provider: FakeProvider
) -> None:
    conversations = [await waiting_for(patient, TIMEOUT + n) for n in range(1, 4)]

    spoken = await asyncio.gather(*(sweep(runtime, models) for _ in range(6)))

    assert sum(spoken) == 3
    assert [len(await said(conversation)) for conversation in conversations] == [1, 1, 1]
    assert len(provider.requests) == 3


async def test_a_lease_that_nobody_ended_runs_out(
    patient: Agent, runtime: Runtime, models: ChatModels
) -> None:
    assert LEASE.total_seconds() == 90
    conversation = await waiting_for(
        patient, 200, **{"handoff_info.fallback_locked_until": utc_now() - timedelta(seconds=1)}
    )

    assert await sweep(runtime, models) == 1
    assert len(await said(conversation)) == 1


async def test_a_failure_uses_the_attempt_up_and_does_not_touch_the_others(
    patient: Agent, runtime: Runtime, models: ChatModels, provider: FakeProvider
) -> None:
    first, second = await waiting_for(patient, 300), await waiting_for(patient, 200)
    provider.script(Failure(500, "boom"))

    assert await sweep(runtime, models) == 1

    assert sorted([len(await said(first)), len(await said(second))]) == [0, 1]
    attempts = [await info_of(one) for one in (first, second)]
    assert [(info.fallback_attempts, info.fallback_locked_until) for info in attempts] == [(1, None)] * 2


async def test_nothing_is_said_after_an_operator_has_come(
    patient: Agent, runtime: Runtime, models: ChatModels, provider: FakeProvider
) -> None:
    gate = asyncio.Event()
    provider.script(Reply("Sorry.", gate=gate))
    conversation = await waiting_for(patient, TIMEOUT + 1)

    sweeping = asyncio.create_task(sweep(runtime, models))
    await provider.received()
    await set_state(conversation.scope, conversation.id, {"status": "human_controlled"})
    gate.set()

    assert await sweeping == 0
    assert await said(conversation) == []


async def test_sweeping_goes_on_until_the_process_ends(
    patient: Agent,
    runtime: Runtime,
    models: ChatModels,
    provider: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime.settings, "handoff_fallback_interval_seconds", 0.01)
    conversation = await waiting_for(patient, TIMEOUT + 1)

    going = asyncio.create_task(keep_sweeping(runtime, models))
    await provider.received()
    await runtime.tasks.idle()
    going.cancel()

    assert len(await said(conversation)) == 1
