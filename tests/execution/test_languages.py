"""Which language the user writes in."""

import asyncio

import httpx2
import pytest

from crafter.agents.configuration import AgentConfig
from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from crafter.execution.asides.languages import known_language
from tests.execution.talking import settled, talk
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, Script
from tests.fixtures import Cast


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    """An agent that has to speak two languages."""
    made: Agent = await make_agent(
        cast.project, runtime.keyring, config=AgentConfig(required_languages=["de", "fr"])
    )
    return made


@pytest.mark.parametrize(
    ("text", "before", "language"),
    [
        ("42 !?", None, "en"),
        ("42 !?", "de", "de"),
        (" somebody@example.com ", None, "en"),
        ("https://example.com/path?q=1", "fr", "fr"),
        ("WWW.example.com", "fr", "fr"),
        ("ja", "de", "de"),
        ("ja", None, None),
        ("mail somebody@example.com", "de", None),
        ("see https://example.com", "de", None),
        ("Guten Tag", "fr", None),
        ("日本語", None, None),
    ],
)
def test_what_says_nothing_about_its_language_is_taken_for_the_one_before(
    text: str, before: str | None, language: str | None
) -> None:
    assert known_language(text, before) == language


async def test_the_language_is_stored_and_asked_for_again_only_where_it_may_have_changed(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime, provider: FakeProvider
) -> None:
    provider.script_aside("language", Reply("DE\n"), Reply('"fr-FR"'))

    conversation_id = await talk(as_member, agent, "Guten Tag")
    first = await settled(as_member, agent, runtime, conversation_id)
    await talk(as_member, agent, "ja", conversation_id=conversation_id)
    second = await settled(as_member, agent, runtime, conversation_id)
    await talk(as_member, agent, "Bonjour monsieur", conversation_id=conversation_id)
    third = await settled(as_member, agent, runtime, conversation_id)

    languages = [shown["current_turn_language"] for shown in (first, second, third)]
    assert languages == ["de", "de", "fr"]
    [body, _] = [request.body for request in provider.asides["language"]]
    assert (body["model"], body["temperature"], body["max_completion_tokens"]) == ("gpt-5.4-nano", 0, 5)
    assert body["messages"][-1]["content"] == "Guten Tag"


async def test_the_answer_does_not_wait_for_it(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime, provider: FakeProvider
) -> None:
    gate = asyncio.Event()
    provider.script_aside("language", Reply("de", gate=gate, gate_after=0))

    conversation_id = await talk(as_member, agent, "Guten Tag")
    gate.set()

    shown = await settled(as_member, agent, runtime, conversation_id)
    assert shown["current_turn_language"] == "de"


@pytest.mark.parametrize("trouble", [Failure(500), Reply("That is German."), Reply("")])
async def test_without_it_the_turn_is_as_good(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime, provider: FakeProvider, trouble: Script
) -> None:
    provider.script_aside("language", trouble, trouble, trouble)

    conversation_id = await talk(as_member, agent, "Guten Tag")

    shown = await settled(as_member, agent, runtime, conversation_id)
    assert shown["current_turn_language"] is None
    assert len(shown["messages"]) == 2


@pytest.mark.parametrize(
    "config",
    [AgentConfig(), AgentConfig(required_languages=["de"], enforce_language_detection=False)],
)
async def test_nobody_is_asked_where_no_language_is_required_or_it_is_switched_off(
    as_member: httpx2.AsyncClient,
    cast: Cast,
    runtime: Runtime,
    provider: FakeProvider,
    config: AgentConfig,
) -> None:
    agent = await make_agent(cast.project, runtime.keyring, config=config)

    conversation_id = await talk(as_member, agent, "Guten Tag")

    await settled(as_member, agent, runtime, conversation_id)
    assert provider.asides["language"] == []
