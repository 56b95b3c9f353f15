"""Polling for messages, as the web UI, the widget and the SDK do it."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from crafter.conversations import messages as message_store
from crafter.conversations.documents import Conversation, Message, MessageSegment
from crafter.conversations.service import set_state
from crafter.core.time import utc_now, wire_time
from tests.handoffs.conftest import taken, url

NOW = utc_now()


async def say(conversation: Conversation, *messages: Message) -> None:
    await message_store.append_messages(conversation.scope, conversation.id, messages)


@pytest.fixture
async def silent(conversation: Conversation) -> Conversation:
    """A conversation in which nothing has been said."""
    empty: dict[str, dict[str, list[Message]]] = {"$set": {"messages": []}}
    await Conversation.within(conversation.scope).update_one({"_id": conversation.id}, empty)
    return conversation


def numbered(count: int, **fields: Any) -> list[Message]:
    """Messages a second apart, the newest one second old."""
    return [
        Message(role="assistant", content=f"m{n}", timestamp=NOW - timedelta(seconds=count - n), **fields)
        for n in range(count)
    ]


async def poll(client: httpx2.AsyncClient, conversation: Conversation, **params: str) -> dict[str, Any]:
    """The answer, which is the same at both addresses."""
    answers = [
        await client.get(path, params=params)
        for path in (
            f"/conversations/{conversation.id}/messages/latest",
            url(conversation, "/messages/latest"),
        )
    ]
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    bodies: list[dict[str, Any]] = [answer.json() for answer in answers]
    assert bodies[0]["last_poll"] <= bodies[1]["last_poll"]
    assert {**bodies[0], "last_poll": None} == {**bodies[1], "last_poll": None}
    return bodies[0]


async def test_an_answer_has_the_contracts_shape(
    as_member: httpx2.AsyncClient, cast: Any, waiting: Conversation
) -> None:
    before = utc_now()
    await taken(as_member, waiting, message="Hi")

    body = await poll(as_member, waiting, since=wire_time(before - timedelta(seconds=1)))

    assert body["conversation_id"] == waiting.id
    assert (body["current_handler"], body["conversation_status"]) == ("human", "human_controlled")
    assert body["handoff_active"] is True
    assert body["messaging_window"] is None
    handler = body["handler_info"]
    assert handler.pop("handed_off_at") >= wire_time(before)
    assert handler == {
        "assigned_human": cast.member.id,
        "assigned_external_operator": {},
        "reason": "wants human",
        "urgency": "high",
    }
    assert body["operator_info"] == {"name": "Member"}
    assert body["message_count"] == len(body["new_messages"])
    assert body["new_messages"][-1]["operator_info"] == {"name": "Member"}
    assert body["new_messages"][-1]["handler_info"]["human_operator"]["name"] == "Member"
    assert body["data"]["messages"] == body["new_messages"]
    assert len(body["last_poll"]) == len("2026-01-31T09:16:00.000Z")


async def test_messages_are_strictly_later_and_in_order(
    as_viewer: httpx2.AsyncClient, silent: Conversation
) -> None:
    sent = numbered(5)
    await say(silent, *sent)

    body = await poll(as_viewer, silent, since=wire_time(sent[2].timestamp))

    assert [message["content"] for message in body["new_messages"]] == ["m3", "m4"]
    assert (body["handoff_active"], body["handler_info"]) == (False, None)


async def test_without_a_moment_the_last_half_minute_is_meant(
    as_viewer: httpx2.AsyncClient, silent: Conversation
) -> None:
    old = Message(role="assistant", content="old", timestamp=utc_now() - timedelta(seconds=31))
    new = Message(role="assistant", content="new", timestamp=utc_now())
    await say(silent, old, new)

    body = await poll(as_viewer, silent)

    assert [message["content"] for message in body["new_messages"]] == ["new"]


@pytest.mark.parametrize("since", ["yesterday", "", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+23:59"])
async def test_a_moment_that_cannot_be_read_has_no_later_messages(
    as_viewer: httpx2.AsyncClient, conversation: Conversation, since: str
) -> None:
    assert (await poll(as_viewer, conversation, since=since))["new_messages"] == []


async def test_a_whole_day_comes_in_one_answer_however_much_was_said(
    as_viewer: httpx2.AsyncClient, silent: Conversation
) -> None:
    for start in range(0, 400, 40):
        await say(silent, *numbered(400)[start : start + 40])

    everything = await poll(as_viewer, silent, since=wire_time(NOW - timedelta(days=1)))
    some = await poll(as_viewer, silent, since=wire_time(NOW - timedelta(seconds=151)))

    assert [m["content"] for m in everything["new_messages"]] == [f"m{n}" for n in range(400)]
    assert [m["content"] for m in some["new_messages"]] == [f"m{n}" for n in range(250, 400)]


async def test_system_messages_are_left_out_on_request(
    as_viewer: httpx2.AsyncClient, conversation: Conversation
) -> None:
    await say(conversation, Message(role="system", content="note"), Message(role="assistant", content="hi"))

    for value, expected in (
        ("true", {"note", "hi", "Hello"}),
        ("false", {"hi", "Hello"}),
        ("no", {"hi", "Hello"}),
    ):
        body = await poll(as_viewer, conversation, include_system=value)
        assert {message["content"] for message in body["new_messages"]} == expected


async def test_the_sdk_finds_the_words_that_it_waits_for_and_the_widget_does_not(
    as_member: httpx2.AsyncClient, waiting: Conversation
) -> None:
    await taken(as_member, waiting)
    await as_member.post(url(waiting, "/handback"))

    body = await poll(as_member, waiting)

    said = "You are now back with our AI assistant."
    assert body["new_messages"][-1]["content"] == said
    assert body["data"]["messages"][-1]["content"] == f"{said} (handed back to agent)"


async def test_whatsapp_tells_until_when_one_may_write(
    as_viewer: httpx2.AsyncClient, conversation: Conversation
) -> None:
    at = NOW - timedelta(hours=23)
    fields = {"channel": "whatsapp", "last_customer_message_at": at}
    await set_state(conversation.scope, conversation.id, fields)

    window = (await poll(as_viewer, conversation))["messaging_window"]

    assert window == {
        "last_customer_message_at": wire_time(at),
        "expires_at": wire_time(at + timedelta(hours=24)),
        "is_open": True,
    }


async def test_what_is_lost_is_not_looked_for_without_end(
    as_member: httpx2.AsyncClient, conversation: Conversation
) -> None:
    await say(conversation, *numbered(120))
    assert await MessageSegment.within(conversation.scope).delete_many({"conversation": conversation.id}) > 0

    async with asyncio.timeout(10):
        shown = await poll(as_member, conversation, since=wire_time(NOW - timedelta(days=1)))

    assert shown["new_messages"][-1]["content"] == "m119"
