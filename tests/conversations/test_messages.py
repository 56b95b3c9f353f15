"""How messages are kept: in order, none lost, flat in cost, pages both ways."""

import asyncio
from typing import Any

import pytest
from bson import Int64, encode
from pymongo import AsyncMongoClient

from crafter.conversations import messages as store
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Conversation, Message, MessageSegment
from crafter.conversations.errors import ConversationNotFound
from crafter.conversations.messages import Appended
from crafter.core.runtime import Runtime
from crafter.core.tenancy import TenantCollection
from crafter.projects.documents import Project
from tests.factories import make_agent


@pytest.fixture
async def conversation(project: Project, runtime: Runtime) -> Conversation:
    agent = await make_agent(project, runtime.keyring)
    return await conversation_service.create_conversation(agent, user=None, user_identifier="u")


def said(number: int, size: int = 0) -> Message:
    return Message(role="user", content=f"{number} " + "x" * size)


async def fill(conversation: Conversation, count: int, *, size: int = 0, start: int = 1) -> None:
    for number in range(start, start + count):
        await store.append_messages(conversation.scope, conversation.id, [said(number, size)])


def numbers(page: store.MessagePage) -> list[int]:
    return [int(row.message.content.split()[0]) for row in page.rows]


async def stored(conversation: Conversation) -> dict[str, Any]:
    raw = await Conversation.within(conversation.scope).find_one({"_id": conversation.id})
    assert raw is not None
    return raw


async def test_parallel_appends_get_consecutive_numbers_and_none_is_lost(conversation: Conversation) -> None:
    scope, id_ = conversation.scope, conversation.id

    added = await asyncio.gather(*(store.append_messages(scope, id_, [said(n)]) for n in range(1, 51)))

    page = await store.read_page(scope, id_, limit=200)
    assert sorted(one.seq for one in added) == list(range(1, 51))
    assert [row.seq for row in page.rows] == list(range(1, 51))
    assert sorted(numbers(page)) == list(range(1, 51))
    by_seq = {row.seq: int(row.message.content.split()[0]) for row in page.rows}
    assert by_seq == dict(zip([one.seq for one in added], range(1, 51), strict=True))


async def test_the_newest_messages_are_embedded_and_older_ones_move_to_segments(
    conversation: Conversation,
) -> None:
    await fill(conversation, 260)

    raw = await stored(conversation)
    segments = await MessageSegment.within(conversation.scope).find({}, sort=[("first_seq", 1)], limit=100)
    assert len(raw["messages"]) <= store.HEAD_MESSAGES
    assert raw["messages"][-1]["content"].startswith("260 ")
    assert raw["moved"] + len(raw["messages"]) == 260
    assert [(s["first_seq"], s["last_seq"]) for s in segments] == [
        (1 + 50 * n, 50 + 50 * n) for n in range(raw["moved"] // 50)
    ]


async def test_every_message_is_read_once_and_in_order_in_both_directions(conversation: Conversation) -> None:
    await fill(conversation, 333)
    scope, id_ = conversation.scope, conversation.id

    backwards: list[int] = []
    page = await store.read_newest(scope, id_, 40)
    while page.rows:
        backwards = numbers(page) + backwards
        page = await store.read_page(scope, id_, before=page.rows[0].seq, limit=40)
    forwards: list[int] = []
    page = await store.read_page(scope, id_, after=0, limit=70)
    while page.rows:
        forwards += numbers(page)
        page = await store.read_page(scope, id_, after=page.rows[-1].seq, limit=70)

    assert backwards == forwards == list(range(1, 334))


async def test_parallel_appends_that_move_messages_lose_none(conversation: Conversation) -> None:
    scope, id_ = conversation.scope, conversation.id

    async def write(first: int) -> None:
        for number in range(first, first + 40):
            await store.append_messages(scope, id_, [said(number)])

    await asyncio.gather(*(write(1 + 40 * n) for n in range(10)))

    seen: list[int] = []
    page = await store.read_page(scope, id_, after=0, limit=200)
    while page.rows:
        seen += numbers(page)
        page = await store.read_page(scope, id_, after=page.rows[-1].seq, limit=200)
    assert sorted(seen) == list(range(1, 401))


async def test_a_reader_sees_every_message_once_while_others_append(conversation: Conversation) -> None:
    scope, id_ = conversation.scope, conversation.id
    writing = asyncio.create_task(fill(conversation, 300))

    while not writing.done():
        page = await store.read_page(scope, id_, after=0, limit=200)
        assert numbers(page) == list(range(1, len(page.rows) + 1))
        assert [row.seq for row in page.rows] == numbers(page)
    await writing


async def test_no_document_grows_beyond_half_a_mebibyte(conversation: Conversation) -> None:
    await fill(conversation, 60, size=60_000)

    documents = [await stored(conversation)]
    documents += await MessageSegment.within(conversation.scope).find({}, limit=1_000)
    assert max(len(encode(document)) for document in documents) <= 512 * 1024
    page = await store.read_page(conversation.scope, conversation.id, limit=200)
    assert numbers(page) == list(range(1, 61))


async def test_a_conversation_of_the_node_server_is_read_as_it_is_and_moved_on_its_next_append(
    conversation: Conversation,
) -> None:
    old = [said(n).model_dump(by_alias=True) for n in range(1, 731)]
    conversations = Conversation.across_tenants()
    await conversations.update_one(
        {"_id": conversation.id}, {"$set": {"messages": old}, "$unset": {"moved": "", "lifecycle": ""}}
    )
    scope, id_ = conversation.scope, conversation.id

    before = await store.read_page(scope, id_, before=101, limit=100)
    added = await store.append_messages(scope, id_, [said(731)])

    assert numbers(before) == list(range(1, 101))
    assert added.seq == 731
    assert len((await stored(conversation))["messages"]) <= store.HEAD_MESSAGES
    newest = await store.read_newest(scope, id_, 200)
    assert numbers(newest) == list(range(532, 732))
    assert newest.total == 731


async def test_a_move_that_was_cut_off_half_way_is_finished_by_the_next(conversation: Conversation) -> None:
    await fill(conversation, 100)
    raw = await stored(conversation)
    half_done = {**raw, "messages": raw["messages"][:50]}
    segment = store.raw_segment(half_done, 1, raw["messages"][:50])
    await MessageSegment.within(conversation.scope).upsert_once(segment)

    before = await store.read_page(conversation.scope, conversation.id, after=0, limit=200)
    await fill(conversation, 1, start=101)

    assert numbers(before) == list(range(1, 101))
    after = await store.read_page(conversation.scope, conversation.id, after=0, limit=200)
    assert numbers(after) == list(range(1, 102))


async def test_messages_of_a_missing_conversation_are_not_found(project: Project) -> None:
    with pytest.raises(ConversationNotFound):
        await store.append_messages(project.scope, "nowhere", [said(1)])
    with pytest.raises(ConversationNotFound):
        await store.read_page(project.scope, "nowhere", limit=10)
    with pytest.raises(ConversationNotFound):
        await store.read_newest(project.scope, "nowhere", 10)


async def test_a_write_that_the_driver_repeats_is_answered_without_its_projection(
    conversation: Conversation, mongodb_uri: str
) -> None:
    """MongoDB answers the repetition from its history, which is why figures may have to be worked out here."""
    await fill(conversation, 3)
    command = {
        "findAndModify": "conversations",
        "query": {"_id": conversation.id},
        "update": {"$push": {"messages": {"role": "user", "content": "x"}}},
        "fields": {"size": {"$size": "$messages"}},
        "new": True,
        "txnNumber": Int64(1),
    }
    async with AsyncMongoClient[dict[str, Any]](mongodb_uri) as client, client.start_session() as session:
        db = client.get_default_database()
        first, second = [(await db.command(command, session=session))["value"] for _ in range(2)]
    assert first == {"_id": conversation.id, "size": 4}
    assert "size" not in second
    assert len(second["messages"]) == 4


@pytest.mark.parametrize("users", [1, 3])
async def test_figures_of_a_whole_conversation_are_those_that_the_database_works_out(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch, users: int
) -> None:
    await fill(conversation, 130)
    said = [Message(role="user", content="x") for _ in range(users)]
    with_figures = await store.append_messages(conversation.scope, conversation.id, said)
    change_one = TenantCollection.change_one

    async def repeated(self: TenantCollection, *arguments: Any, **options: Any) -> Any:
        return await change_one(self, *arguments, **{**options, "fields": None})

    monkeypatch.setattr(TenantCollection, "change_one", repeated)
    from_the_whole = await store.append_messages(conversation.scope, conversation.id, said)
    assert from_the_whole == Appended(
        seq=with_figures.seq + users,
        total=with_figures.total + users,
        user_messages=with_figures.user_messages + users,
        last_summary_index=-1,
    )
