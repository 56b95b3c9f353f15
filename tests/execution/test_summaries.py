"""Long conversations in short: made beside turns, used instead of what they stand for, read and asked for."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from crafter.agents.configuration import AgentConfig, AgentPrivacy
from crafter.agents.documents import Agent
from crafter.conversations import messages as message_store
from crafter.conversations.documents import Conversation, Message
from crafter.core.runtime import Runtime
from tests.execution.talking import settled, talk
from tests.execution.test_chat import url
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, Script
from tests.fixtures import Cast

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
FOUND = {
    "key_topics": ["shoes", "sizes"],
    "important_decisions": ["brown", "by train"],
    "unresolved_issues": ["the price"],
    "user_preferences": {"size": 42},
    "context_data": {},
    "tool_results": [{"tool": "calculator", "key_data": "2+2=4"}, "nonsense"],
}
SUMMARY = Reply(json.dumps(FOUND), usage=USAGE)


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    made: Agent = await make_agent(cast.project, runtime.keyring)
    return made


async def begun(client: httpx2.AsyncClient, agent: Agent, count: int) -> str:
    """A conversation with so many messages; nothing is summarised yet."""
    conversation_id = await talk(client, agent, "m0")
    said = [
        Message(role="assistant" if number % 2 else "user", content=f"m{number}")
        for number in range(2, count)
    ]
    await message_store.append_messages(agent.scope, conversation_id, said)
    return conversation_id


async def post(client: httpx2.AsyncClient, agent: Agent, conversation_id: str) -> httpx2.Response:
    return await client.post(url(agent, f"/conversations/{conversation_id}/summarize"))


async def get(client: httpx2.AsyncClient, agent: Agent, conversation_id: str) -> dict[str, Any]:
    response = await client.get(url(agent, f"/conversations/{conversation_id}/summary"))
    assert response.status_code == 200
    shown: dict[str, Any] = response.json()
    return shown


async def test_fifteen_messages_are_summarised_all_but_the_last_six(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime, provider: FakeProvider
) -> None:
    provider.script_aside("summary", SUMMARY)

    conversation_id = await begun(as_member, agent, 13)
    await talk(as_member, agent, "m13", conversation_id=conversation_id)

    stored = await settled(as_member, agent, runtime, conversation_id)
    assert stored["metadata"]["last_summary_index"] == 8
    assert stored["metadata"]["summary_version"] == 1
    assert stored["metadata"]["requires_summarization"] is False
    assert stored["summary"] == "Topics: shoes, sizes | Decisions: brown; by train"
    summary = stored["conversation_summary"]
    assert summary["key_topics"] == ["shoes", "sizes"]
    assert summary["unresolved_issues"] == ["the price"]
    assert summary["user_preferences"] == {"size": 42}
    assert "context_data" not in summary
    assert [(one["tool"], one["key_data"]) for one in summary["tool_results"]] == [("calculator", "2+2=4")]
    assert summary["message_count_when_summarized"] == 15
    [request] = provider.asides["summary"]
    assert request.last_words.startswith("User: m0\n\n")
    assert request.last_words.endswith(": m8")


async def test_fourteen_are_not(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime, provider: FakeProvider
) -> None:
    conversation_id = await begun(as_member, agent, 12)
    await talk(as_member, agent, "m12", conversation_id=conversation_id)

    stored = await settled(as_member, agent, runtime, conversation_id)
    assert stored["metadata"]["last_summary_index"] == -1
    assert provider.asides["summary"] == []


async def test_a_model_is_given_the_summary_and_four_messages_of_what_it_stands_for(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script_aside("summary", SUMMARY)
    conversation_id = await begun(as_member, agent, 15)
    assert (await post(as_member, agent, conversation_id)).status_code == 200

    await talk(as_member, agent, "now", conversation_id=conversation_id)

    system, summary, *rest = provider.requests[-1].body["messages"]
    assert system["content"] == "You are kind."
    assert '"key_topics": ["shoes", "sizes"]' in summary["content"]
    assert "_id" not in summary["content"]
    assert [message["content"] for message in rest] == [*(f"m{number}" for number in range(5, 15)), "now"]


async def test_the_next_summary_goes_on_from_the_last_also_where_messages_have_moved(
    as_member: httpx2.AsyncClient, agent: Agent, runtime: Runtime, provider: FakeProvider
) -> None:
    provider.script_aside("summary", SUMMARY, Reply('{"key_topics": ["all"]}'))
    conversation_id = await begun(as_member, agent, 15)
    await post(as_member, agent, conversation_id)
    more = [Message(role="user", content=f"m{number}") for number in range(15, 150)]
    await message_store.append_messages(agent.scope, conversation_id, more)

    response = await post(as_member, agent, conversation_id)

    assert response.json()["summary_status"] == {
        "has_summary": True,
        "messages_count": 150,
        "last_summary_index": 143,
        "summary_version": 2,
        "requires_summarization": False,
    }
    asked = provider.asides["summary"][1].last_words
    assert '"important_decisions": ["brown", "by train"]' in asked
    assert "m8\n" not in asked
    assert "User: m9\n" in asked or "Assistant: m9\n" in asked
    assert asked.endswith("User: m143")


async def test_a_summary_is_made_when_asked_for_and_only_if_it_is_necessary(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script_aside("summary", SUMMARY)
    short = await begun(as_member, agent, 6)
    long = await begun(as_member, agent, 19)

    unneeded = await post(as_member, agent, short)
    made = await post(as_member, agent, long)

    assert unneeded.json() == {
        "message": "Conversation does not need summarization",
        "summary_status": {
            "has_summary": False,
            "messages_count": 6,
            "last_summary_index": -1,
            "requires_summarization": False,
        },
    }
    assert made.json()["message"] == "Conversation summarized successfully"
    assert made.json()["summary"]["key_topics"] == ["shoes", "sizes"]
    assert made.json()["summary_status"]["last_summary_index"] == 12


async def test_a_summary_can_be_read_with_how_up_to_date_it_is(
    as_viewer: httpx2.AsyncClient, as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script_aside("summary", Reply('{"key_topics": ["a"]}'))
    conversation_id = await begun(as_member, agent, 15)
    long = {"$set": {"messages.3.content": "x" * 400}}
    await Conversation.within(agent.scope).update_one({"_id": conversation_id}, long)
    before = await get(as_viewer, agent, conversation_id)
    await post(as_member, agent, conversation_id)
    await message_store.append_messages(
        agent.scope, conversation_id, [Message(role="user", content="m") for _ in range(4)]
    )

    after = await get(as_viewer, agent, conversation_id)

    assert before["summary"]["key_topics"] == []
    assert before["summary_status"] == {
        "has_summary": False,
        "messages_count": 15,
        "messages_since_last_summary": 15,
        "last_summary_index": -1,
        "summary_version": 0,
        "requires_summarization": True,
        "estimated_token_savings": 0,
    }
    assert after["summary"]["key_topics"] == ["a"]
    assert after["summary"]["message_count_when_summarized"] == 15
    savings = after["summary_status"].pop("estimated_token_savings")
    assert 80 < savings < 130
    assert after["summary_status"] == {
        "has_summary": True,
        "messages_count": 19,
        "messages_since_last_summary": 10,
        "last_summary_index": 8,
        "summary_version": 1,
        "requires_summarization": False,
    }


async def test_of_two_at_once_one_is_stored(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    conversation_id = await begun(as_member, agent, 15)
    gate = asyncio.Event()
    provider.script_aside("summary", *(Reply(f'{{"key_topics": ["{n}"]}}', gate=gate) for n in "ab"))

    both = asyncio.gather(*(post(as_member, agent, conversation_id) for _ in range(2)))
    await provider.received_aside("summary", 2)
    gate.set()

    messages = sorted(response.json()["message"] for response in await both)
    assert messages == ["Conversation does not need summarization", "Conversation summarized successfully"]
    assert (await get(as_member, agent, conversation_id))["summary_status"]["summary_version"] == 1


async def test_the_agent_says_how_it_is_shown_and_in_which_languages(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    config = AgentConfig(
        display_summary_prompt="One sentence.", required_languages=["de"], enforce_language_detection=False
    )
    agent = await make_agent(cast.project, runtime.keyring, config=config)
    provider.script_aside("summary", SUMMARY)
    provider.script_aside("display", Reply("Shoes were chosen."))
    provider.script_aside("translation", Reply('{"de": "Schuhe wurden gewählt."}'))
    conversation_id = await begun(as_member, agent, 15)

    await post(as_member, agent, conversation_id)

    stored = await settled(as_member, agent, runtime, conversation_id)
    assert provider.asides["display"][0].body["messages"][0]["content"] == "One sentence."
    assert stored["summary"] == "Shoes were chosen."
    [translation] = stored["conversation_summary"]["summary_translations"]
    assert (translation["lang"], translation["text"]) == ("de", "Schuhe wurden gewählt.")
    assert translation["_id"]


@pytest.mark.parametrize(
    ("trouble", "status"), [(Failure(400, "No."), 502), (Reply("I would rather not."), 502)]
)
async def test_a_failure_is_said_to_who_asked_and_harms_no_turn(
    as_member: httpx2.AsyncClient,
    agent: Agent,
    runtime: Runtime,
    provider: FakeProvider,
    trouble: Script,
    status: int,
) -> None:
    provider.script_aside("summary", trouble, trouble)
    conversation_id = await begun(as_member, agent, 15)

    response = await post(as_member, agent, conversation_id)
    await talk(as_member, agent, "on", conversation_id=conversation_id)

    assert response.status_code == status
    stored = await settled(as_member, agent, runtime, conversation_id)
    assert stored["metadata"]["last_summary_index"] == -1
    assert len(stored["messages"]) == 17


async def test_odd_things_in_a_summary_are_left_out(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    odd = {"key_topics": "shoes", "user_preferences": {"$where": 1}, "context_data": [1], "tool_results": {}}
    provider.script_aside("summary", Reply(json.dumps(odd)))
    conversation_id = await begun(as_member, agent, 15)

    summary = (await post(as_member, agent, conversation_id)).json()["summary"]

    assert (summary["key_topics"], summary["tool_results"]) == ([], [])
    assert not {"user_preferences", "context_data"} & set(summary)


async def test_encrypted_messages_are_not_summarised(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    agent = await make_agent(cast.project, runtime.keyring, gdpr=AgentPrivacy(encrypt_messages=True))
    conversation_id = await begun(as_member, agent, 15)

    response = await post(as_member, agent, conversation_id)
    await talk(as_member, agent, "on", conversation_id=conversation_id)

    assert (response.status_code, response.json()["code"]) == (422, "CONVERSATION_ENCRYPTED")
    await settled(as_member, agent, runtime, conversation_id)
    assert provider.asides["summary"] == []


async def test_viewers_and_archived_conversations_get_none_made(
    as_viewer: httpx2.AsyncClient, as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    conversation_id = await begun(as_member, agent, 15)
    project = f"/organizations/{agent.organization}/projects/{agent.project}"
    denied = await post(as_viewer, agent, conversation_id)
    await as_member.post(f"{project}/conversations/{conversation_id}:archive")

    refused = await post(as_member, agent, conversation_id)

    assert (denied.status_code, refused.status_code) == (403, 409)
