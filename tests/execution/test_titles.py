"""What conversations are called."""

import httpx2
import pytest

from crafter.agents.configuration import AgentConfig, AgentPrivacy
from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.conversations import messages as message_store
from crafter.conversations.documents import Conversation, Message
from crafter.core.runtime import Runtime
from crafter.execution.asides.titles import is_due
from crafter.providers.documents import Provider
from tests.execution.talking import settled, talk
from tests.factories import make_agent, make_key
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, Script
from tests.fixtures import Cast

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    made: Agent = await make_agent(cast.project, runtime.keyring)
    return made


def test_a_title_is_made_after_the_second_message_of_the_user_and_after_each_fifth_from_there() -> None:
    assert [number for number in range(20) if is_due(number)] == [2, 7, 12, 17]


async def test_the_second_message_gives_a_conversation_its_title(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime, provider: FakeProvider
) -> None:
    provider.script_aside("title", Reply('"Shoes for a wedding"\n', usage=USAGE))

    conversation_id = await talk(as_member, agent, "Hello")
    untitled = await settled(as_member, agent, runtime, conversation_id)
    await talk(as_member, agent, "I need shoes", conversation_id=conversation_id)
    titled = await settled(as_member, agent, runtime, conversation_id)

    assert untitled["title"] == "New Conversation"
    assert titled["title"] == "Shoes for a wedding"
    assert titled["title_translations"] == []
    [request] = provider.asides["title"]
    assert request.body["model"] == "gpt-5.4-nano"
    assert request.last_words.split("\n\n") == [
        "User: Hello",
        "Assistant: You said: Hello",
        "User: I need shoes",
        "Assistant: You said: I need shoes",
    ]
    spent = sum(message["token_usage"]["total_tokens"] for message in titled["messages"][1::2])
    assert titled["metadata"]["total_tokens_used"] == spent + 15


async def test_five_messages_later_it_gets_another_from_its_first_ten_messages(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime, provider: FakeProvider
) -> None:
    provider.script_aside("title", Reply("First"), Reply("Second"))
    conversation_id = await talk(as_member, agent, "1", "2")
    await settled(as_member, agent, runtime, conversation_id)

    await talk(as_member, agent, *"34567", conversation_id=conversation_id)

    assert (await settled(as_member, agent, runtime, conversation_id))["title"] == "Second"
    assert len(provider.asides["title"]) == 2
    assert provider.asides["title"][1].last_words.startswith("User: 1\n\n")
    assert provider.asides["title"][1].last_words.endswith("\n\nAssistant: You said: 5")


async def test_messages_are_still_counted_when_old_ones_have_moved(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime, provider: FakeProvider
) -> None:
    conversation_id = await talk(as_member, agent, "1")
    many = [Message(role="user", content="x" * 2_000) for _ in range(55)]
    await message_store.append_messages(agent.scope, conversation_id, many)
    raw = await Conversation.within(agent.scope).find_one({"_id": conversation_id})
    assert raw is not None
    assert raw["moved"] > 0
    provider.script_aside("title", Reply("The fifty-seventh"))

    await talk(as_member, agent, "57", conversation_id=conversation_id)

    shown = await settled(as_member, agent, runtime, conversation_id)
    assert shown["title"] == "The fifty-seventh"


async def test_it_has_ten_words_at_most(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime, provider: FakeProvider
) -> None:
    provider.script_aside("title", Reply("a b c d e f g h i j k l"))

    conversation_id = await talk(as_member, agent, "1", "2")

    shown = await settled(as_member, agent, runtime, conversation_id)
    assert shown["title"] == "a b c d e f g h i j"


async def test_it_is_asked_for_as_the_agent_says_and_translated_into_its_languages(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    config = AgentConfig(
        title_generation_prompt="Invent a riddle.",
        required_languages=["de", "fr"],
        enforce_language_detection=False,
    )
    agent = await make_agent(cast.project, runtime.keyring, config=config)
    provider.script_aside("title", Reply("Shoes"))
    provider.script_aside("translation", Reply('{"de": "Schuhe", "fr": "Chaussures", "it": "Scarpe"}'))

    conversation_id = await talk(as_member, agent, "1", "2")

    shown = await settled(as_member, agent, runtime, conversation_id)
    assert provider.asides["title"][0].body["messages"][0]["content"] == "Invent a riddle."
    assert [(one["lang"], one["text"]) for one in shown["title_translations"]] == [
        ("de", "Schuhe"),
        ("fr", "Chaussures"),
    ]
    assert all(one["_id"] for one in shown["title_translations"])


async def test_a_title_without_translations_is_better_than_none(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    config = AgentConfig(required_languages=["de"], enforce_language_detection=False)
    agent = await make_agent(cast.project, runtime.keyring, config=config)
    provider.script_aside("title", Reply("Shoes"))
    provider.script_aside("translation", Reply("no idea"))

    conversation_id = await talk(as_member, agent, "1", "2")

    shown = await settled(as_member, agent, runtime, conversation_id)
    assert (shown["title"], shown["title_translations"]) == ("Shoes", [])


async def test_a_title_that_a_person_gave_stays(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    project = f"/organizations/{agent.organization}/projects/{agent.project}"
    named = {"agent": agent.id, "user_identifier": "user-123", "title": "Mine"}
    conversation_id = (await as_member.post(f"{project}/conversations", json=named)).json()["_id"]

    await talk(as_member, agent, "1", "2", conversation_id=conversation_id)

    assert (await settled(as_member, agent, runtime, conversation_id))["title"] == "Mine"


@pytest.mark.parametrize("trouble", [Failure(500), Reply(""), Reply(" \n"), Reply('""')])
async def test_without_a_title_the_conversation_goes_on(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime, provider: FakeProvider, trouble: Script
) -> None:
    provider.script_aside("title", trouble, trouble, trouble)

    conversation_id = await talk(as_member, agent, "1", "2", "3")

    shown = await settled(as_member, agent, runtime, conversation_id)
    assert shown["title"] == "New Conversation"
    assert len(shown["messages"]) == 6


async def test_where_the_cheap_model_is_not_offered_the_agents_own_is_asked(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    key: ApiKey = await make_key(cast.project, runtime.keyring)
    agent = await make_agent(cast.project, runtime.keyring, key=key)
    without = {"$pull": {"models": "gpt-5.4-nano"}}
    await Provider.collection().update_one({"name": "openai"}, without)
    try:
        conversation_id = await talk(as_member, agent, "1", "2")
        await settled(as_member, agent, runtime, conversation_id)
    finally:
        await Provider.collection().update_one({"name": "openai"}, {"$push": {"models": "gpt-5.4-nano"}})

    assert [request.body["model"] for request in provider.asides["title"]] == ["gpt-4o-mini"]


async def test_nothing_is_made_of_encrypted_messages(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    agent = await make_agent(cast.project, runtime.keyring, gdpr=AgentPrivacy(encrypt_messages=True))

    conversation_id = await talk(as_member, agent, "1", "2")

    shown = await settled(as_member, agent, runtime, conversation_id)
    assert shown["title"] == "New Conversation"
    assert provider.asides["title"] == []
