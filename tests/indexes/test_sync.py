"""The gap between the declared indexes and the server's, and how it is closed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from crafter.core.documents import BaseDocument
from indexes import sync
from indexes.duplicates import DuplicatesFound
from indexes.server import Db, drop_index, ready_indexes
from indexes.sync import Action, Change
from tests.indexes.toys import index, toy

PEOPLE = toy(
    "people",
    index("name"),
    index("email", unique=True),
    index("seen", expireAfterSeconds=60),
    index("team", "role", unique=True, partialFilterExpression={"active": True}),
    text="title",
)
PLACES = toy("places")


async def names(db: Db, collection: str) -> set[str]:
    return set(await db[collection].index_information()) - {"_id_"}


def told(changes: list[Change]) -> list[tuple[str, str | None]]:
    return [(change.action.value, change.as_json()["index"]) for change in changes]


async def test_what_is_missing_is_created_and_a_second_run_finds_nothing_to_do(db: Db) -> None:
    applied = await sync.apply(db, [PEOPLE, PLACES])

    assert await names(db, "people") == {"name_1", "email_1", "seen_1", "team_1_role_1", "title_text"}
    assert "places" in await db.list_collection_names()
    assert len(applied) == 7
    assert await sync.plan(db, [PEOPLE, PLACES]) == []
    assert await sync.apply(db, [PEOPLE, PLACES]) == []


async def test_a_plan_changes_nothing(db: Db) -> None:
    changes = await sync.plan(db, [PEOPLE])

    assert changes[0].action is Action.create_collection
    assert {change.action for change in changes[1:]} == {Action.create}
    assert await db.list_collection_names() == []


async def test_a_plan_tells_every_kind_of_difference(db: Db) -> None:
    await db.things.create_index("differs")
    await db.things.create_index("elsewhere", name="by_another_name")
    await db.things.create_index("nobodys")
    await db.things.create_index("fits")
    things = toy("things", index("fits"), index("differs", sparse=True), index("elsewhere"), index("new"))

    changes = await sync.plan(db, [things])

    assert told(changes) == [
        ("recreate", "differs_1"),
        ("satisfied", "elsewhere_1"),
        ("create", "new_1"),
        ("foreign", "nobodys_1"),
    ]
    assert (
        str(changes[1])
        == "satisfied things.elsewhere_1 {elsewhere: 1}: the server has by_another_name {elsewhere: 1}"
    )
    assert [change.pending(drop=False) for change in changes] == [True, False, True, False]
    assert [change.pending(drop=True) for change in changes] == [True, False, True, True]


async def test_runs_at_the_same_time_do_not_disturb_each_other(db: Db) -> None:
    await db.people.insert_many([{"email": str(n), "name": n} for n in range(500)])

    await asyncio.gather(*(sync.apply(db, [PEOPLE, PLACES]) for _ in range(4)))

    assert await sync.plan(db, [PEOPLE, PLACES]) == []


async def test_replacing_runs_at_the_same_time_do_not_disturb_each_other(db: Db) -> None:
    await db.things.insert_many([{"a": n} for n in range(2_000)])
    for round_ in range(3):
        things = toy("things", index("a", name="a", sparse=round_ % 2 == 0), index("b", name="b"))
        await db.things.create_index("nobodys")

        await asyncio.gather(*(sync.apply(db, [things], drop=True) for _ in range(4)))

        assert await sync.plan(db, [things]) == []


async def test_unique_indexes_come_first_and_each_change_is_announced(db: Db) -> None:
    heard: list[Change] = []

    applied = await sync.apply(db, [PEOPLE], progress=heard.append)

    assert heard == applied
    assert [name for _, name in told(heard)][:3] == [None, "email_1", "team_1_role_1"]


async def test_duplicates_are_told_by_id_and_never_by_value(db: Db) -> None:
    await db.people.insert_many(
        [
            {"_id": "anna", "email": "secret@example.com"},
            {"_id": "bob", "email": "other@example.com"},
            {"_id": "carl", "email": "secret@example.com"},
            {"_id": "dora"},
            {"_id": "emil", "email": None},
        ]
    )

    with pytest.raises(DuplicatesFound) as caught:
        await sync.apply(db, [PEOPLE])

    [violation] = caught.value.violations
    assert sorted(sorted(ids) for ids in violation.duplicates) == [["anna", "carl"], ["dora", "emil"]]
    assert str(caught.value).startswith("people: the unique index email_1 cannot be built")
    assert "anna, carl" in str(caught.value)
    assert "example.com" not in str(caught.value)


async def test_a_violated_index_is_absent_and_the_others_are_built_and_nothing_is_dropped(db: Db) -> None:
    await db.people.insert_many([{"email": "e"}, {"email": "e"}])
    await db.people.create_index("nobodys")
    await db.people.create_index("name", name="name_1", sparse=True)

    with pytest.raises(DuplicatesFound):
        await sync.apply(db, [PEOPLE], drop=True)

    there = await db.people.index_information()
    assert set(there) == {"_id_", "seen_1", "team_1_role_1", "title_text", "nobodys_1", "name_1"}
    assert there["name_1"]["sparse"] is True


async def test_every_violated_index_is_told_at_once_and_at_most_five_values_of_each(db: Db) -> None:
    await db.things.insert_many([{"a": n % 7, "b": n % 2} for n in range(50)])
    things = toy("things", index("a", unique=True), index("b", unique=True))

    with pytest.raises(DuplicatesFound) as caught:
        await sync.apply(db, [things])

    found = {violation.spec.name: violation.duplicates for violation in caught.value.violations}
    assert [len(ids) for ids in found["a_1"]] == [5] * 5
    assert [len(ids) for ids in found["b_1"]] == [5] * 2


@pytest.mark.parametrize(
    ("options", "documents", "told_ids"),
    [
        pytest.param(
            {}, [{"_id": 1, "a": [1, 2]}, {"_id": 2, "a": [2, 3]}], [[1, 2]], id="elements of arrays"
        ),
        pytest.param(
            {"collation": {"locale": "en", "strength": 2}},
            [{"_id": 1, "a": "x"}, {"_id": 2, "a": "X"}],
            [[1, 2]],
            id="equal by collation",
        ),
        pytest.param(
            {"sparse": True},
            [{"_id": 1}, {"_id": 2}, {"_id": 3, "a": 1}, {"_id": 4, "a": 1}],
            [[3, 4]],
            id="sparse",
        ),
        pytest.param(
            {"partialFilterExpression": {"on": True}},
            [{"_id": 1, "a": 1}, {"_id": 2, "a": 1}, *({"_id": n, "a": 2, "on": True} for n in (3, 4))],
            [[3, 4]],
            id="partial",
        ),
    ],
)
async def test_only_documents_that_the_index_would_refuse_are_told(
    db: Db, options: dict[str, Any], documents: list[dict[str, Any]], told_ids: list[list[int]]
) -> None:
    await db.things.insert_many(documents)

    with pytest.raises(DuplicatesFound) as caught:
        await sync.apply(db, [toy("things", index("a", unique=True, **options))])

    assert [sorted(ids) for ids in caught.value.violations[0].duplicates] == told_ids


async def test_foreign_indexes_stay_unless_dropping_is_asked_for(db: Db) -> None:
    await db.people.create_index("nobodys")

    await sync.apply(db, [PEOPLE])

    assert told(await sync.plan(db, [PEOPLE])) == [("foreign", "nobodys_1")]
    assert "nobodys_1" in await names(db, "people")

    applied = await sync.apply(db, [PEOPLE], drop=True)

    assert told(applied) == [("foreign", "nobodys_1")]
    assert "nobodys_1" not in await names(db, "people")


async def test_indexes_of_collections_without_a_document_are_not_ours_to_judge(db: Db) -> None:
    await db.elsewhere.create_index("x")

    await sync.apply(db, [PLACES], drop=True)

    assert await names(db, "elsewhere") == {"x_1"}


@pytest.mark.parametrize(
    ("there", "declared"),
    [
        pytest.param({"name": "a_1"}, {"unique": True}, id="same name, other options"),
        pytest.param({"name": "old", "expireAfterSeconds": 5}, {}, id="other name, same signature"),
    ],
)
async def test_an_index_that_differs_is_replaced_only_when_dropping_is_asked_for(
    db: Db, there: dict[str, Any], declared: dict[str, Any]
) -> None:
    await db.things.create_index("a", **there)
    before = await db.things.index_information()
    things = toy("things", index("a", **declared))

    assert await sync.apply(db, [things]) == []
    assert told(await sync.plan(db, [things])) == [("recreate", "a_1")]
    assert await db.things.index_information() == before

    await sync.apply(db, [things], drop=True)

    assert await sync.plan(db, [things]) == []
    assert await names(db, "things") == {"a_1"}


@pytest.mark.parametrize(
    "documents",
    [
        pytest.param([{"_id": 1, "a": 1}, {"_id": 2, "a": 1}], id="seen before the old one is dropped"),
        pytest.param([{"_id": 1, "a": [1]}, {"_id": 2, "a": [1, 2]}], id="seen only by the build"),
    ],
)
async def test_an_index_whose_replacement_is_refused_stays(db: Db, documents: list[dict[str, Any]]) -> None:
    await db.things.insert_many(documents)
    await db.things.create_index("a")

    with pytest.raises(DuplicatesFound) as caught:
        await sync.apply(db, [toy("things", index("a", unique=True))], drop=True)

    assert caught.value.violations[0].duplicates == [[1, 2]]
    assert "unique" not in (await db.things.index_information())["a_1"]


async def test_a_weaker_index_of_another_name_is_not_taken_for_ours(db: Db) -> None:
    await db.people.create_index("email", name="weaker")

    await sync.apply(db, [PEOPLE])

    assert (await db.people.index_information())["email_1"]["unique"] is True


async def test_required_indexes_are_missing_until_they_are_there(db: Db) -> None:
    assert await sync.missing_required(db, [PEOPLE, PLACES]) == ["people.email_1", "people.team_1_role_1"]

    await db.people.create_index("email", name="by_node", unique=True)
    await db.people.create_index(["team", "role"], name="team_1_role_1")

    assert await sync.missing_required(db, [PEOPLE, PLACES]) == ["people.team_1_role_1"]

    await sync.apply(db, [PEOPLE, PLACES], drop=True)

    assert await sync.missing_required(db, [PEOPLE, PLACES]) == []


async def test_an_index_that_is_still_being_built_is_not_there_yet_and_is_waited_for(db: Db) -> None:
    things = toy("things", index("text", "a", unique=True))
    await db.things.insert_many([{"a": n, "text": "x" * 200} for n in range(100_000)])

    async with asyncio.TaskGroup() as running:
        running.create_task(sync.apply(db, [things]))
        while "text_1_a_1" not in await db.things.index_information():
            await asyncio.sleep(0)
        async with db.client.start_session() as session, await session.start_transaction():
            await db.things.insert_one({"a": -1}, session=session)  # a build cannot finish beside this
            missing = await sync.missing_required(db, [things])
            second = running.create_task(sync.apply(db, [things]))
            await asyncio.wait([second], timeout=0.2)
            waited = not second.done()

    assert missing == ["things.text_1_a_1"]
    assert waited
    assert await sync.missing_required(db, [things]) == []


async def test_empty_collections_are_prepared_and_others_left_alone(db: Db) -> None:
    await db.filled.insert_one({"email": "e"})
    await db.emptied.create_index("nobodys")
    models: list[type[BaseDocument]] = [
        toy(name, index("email", unique=True)) for name in ("filled", "emptied", "new")
    ]

    done = await sync.prepare_empty(db, models)

    assert {change.collection for change in done} == {"emptied", "new"}
    assert await names(db, "filled") == set()
    assert await names(db, "emptied") == {"email_1", "nobodys_1"}
    assert await names(db, "new") == {"email_1"}


async def test_preparing_twice_at_once_is_safe(db: Db) -> None:
    await asyncio.gather(*(sync.prepare_empty(db, [PEOPLE, PLACES]) for _ in range(4)))

    assert await sync.plan(db, [PEOPLE, PLACES]) == []


async def test_a_build_outlasts_the_deadline_of_requests_and_waits_for_most_members(
    db: Db, mongodb_uri: str
) -> None:
    async with listening(mongodb_uri, timeoutMS=20_000) as (client, heard):
        await sync.apply(client[db.name], [toy("things", index("a"), index("b"))])

    builds = [command for command in heard.sent if "createIndexes" in command]
    assert [command["indexes"][0]["name"] for command in builds] == ["a_1", "b_1"]
    for command in builds:
        assert command["maxTimeMS"] > 24 * 3600 * 1000
        assert command["commitQuorum"] == "majority"
        assert command["writeConcern"] == {"w": "majority"}


async def test_a_build_that_another_run_aborts_is_begun_again(db: Db, mongodb_uri: str) -> None:
    things = toy("things", index("text", "a"))
    await db.things.insert_many([{"a": n, "text": "x" * 200} for n in range(100_000)])

    async with listening(mongodb_uri) as (client, heard):
        while "createIndexes" not in heard.refused:  # a drop that comes too late for the build aborts nothing
            async with asyncio.TaskGroup() as running:
                running.create_task(sync.apply(client[db.name], [things]))
                while "text_1_a_1" not in await db.things.index_information():
                    await asyncio.sleep(0)
                await db.things.drop_index("text_1_a_1")

    assert await sync.plan(db, [things]) == []


async def test_an_index_is_not_dropped_for_a_replacement_that_is_known_to_fail(
    db: Db, mongodb_uri: str
) -> None:
    await db.things.insert_many([{"a": 1}, {"a": 1}])
    await db.things.create_index("a")

    async with listening(mongodb_uri) as (client, heard):
        with pytest.raises(DuplicatesFound):
            await sync.apply(client[db.name], [toy("things", index("a", unique=True))], drop=True)

    assert not any("dropIndexes" in command for command in heard.sent)


async def test_an_index_that_was_replaced_since_it_was_seen_is_not_dropped(db: Db) -> None:
    await db.things.create_index("a", name="x")
    [_, seen] = await ready_indexes(db, "things")
    await db.things.drop_index("x")
    await db.things.create_index("b", name="x")

    await drop_index(db, "things", seen)

    assert await names(db, "things") == {"x"}


class Heard(CommandListener):
    """The commands that a client sent, and the names of those that failed."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.refused: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.sent.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None:
        self.refused.append(event.command_name)


@asynccontextmanager
async def listening(
    uri: str, **options: Any
) -> AsyncIterator[tuple[AsyncMongoClient[dict[str, Any]], Heard]]:
    """A client whose commands are heard."""
    heard = Heard()
    async with AsyncMongoClient[dict[str, Any]](uri, event_listeners=[heard], **options) as client:
        yield client, heard
