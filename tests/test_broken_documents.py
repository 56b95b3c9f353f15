"""Documents as somebody else may have stored them: nothing in one breaks a reader, or hides its neighbours."""

import asyncio
import copy
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary, DBRef, Decimal128, MaxKey, MinKey, ObjectId, Regex, Timestamp, encode
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument
from fastapi import FastAPI
from pymongo.errors import WriteError

from crafter.auth.tokens import issue_token
from crafter.conversations import messages as message_store
from crafter.conversations.documents import Message
from crafter.core.documents import BaseDocument
from crafter.core.ids import new_id
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now
from crafter.documents import ALL_DOCUMENTS
from tests.fakes.provider import FakeProvider
from tests.operations import READS, WITH_BODY, Operation
from tests.samples import sample_of
from tests.siege import Attack, Siege, siege

Raw = dict[str, Any]
Where = tuple[str | int, ...]

CONVERSATIONS = "/organizations/{organization_id}/projects/{project_id}/conversations"

MISSING = object()
NESTED: Any = {"a": 1}
for _level in range(90):
    NESTED = {"a": [NESTED]} if _level % 2 else {"a": NESTED}

ODDITIES: dict[str, Any] = {
    "nothing at all": MISSING,
    "null": None,
    "a text": "text",
    "an empty text": "",
    "a text with line breaks": "a\r\nX-Evil: b\x00",
    "a negative number": -1,
    "the greatest integer": 2**63 - 1,
    "a huge number": 1e300,
    "no number": float("nan"),
    "an infinite number": float("-inf"),
    "a decimal": Decimal128("1.5"),
    "true": True,
    "an empty list": [],
    "a list of texts": ["a", None, 1],
    "a list of objects": [{"a": 1}, {}],
    "an empty object": {},
    "an object": {"a": {"b": 1}},
    "90 levels": NESTED,
    "an ObjectId": ObjectId(),
    "a date beyond the calendar": DatetimeMS(2**62),
    "a date before the calendar": DatetimeMS(-(2**62)),
    "the first day": datetime(1, 1, 1, tzinfo=UTC),
    "a date as text": "2030-01-01T00:00:00",
    "a date as text at the edge": "0001-01-01T00:00:00+14:00",
    "bytes": Binary(b"\xff\xfe"),
    "a UUID": Binary(b"\x01" * 16, 4),
    "a regular expression": Regex("(", "i"),
    "a timestamp": Timestamp(1, 1),
    "less than everything": MinKey(),
    "more than everything": MaxKey(),
    "a reference": DBRef("users", "a"),
}
WORST = ("nothing at all", "a text", "a negative number", "an object")
"""What is tried in each field of a document by itself; the rest is tried in all fields of a level at once."""

READERS = 2
"""How many of the routes that show a document look at it each time: the others look the next time."""

KEPT_WHOLE = ("_id", "organization", "project")
"""Without these a document is nobody's, and nobody comes across it."""

UNREAD = {"oauth_used_tickets", "promptcaches", "prices", "systemprices"}
"""What no route shows."""

UNASKED = {
    "/auth/register",
    "/auth/login",
    "/organizations/{organization_id}:transfer",
    "/providers/{provider_id}",
}
"""Samples that would only take time, or take away what the others need."""


@pytest.fixture(scope="module")
async def besieged(app: FastAPI, provider_server: FakeProvider) -> AsyncIterator[Siege]:
    """A world in which everything has been done that can be done, so that everything has all its fields."""
    async with siege(app) as besieged:
        ids = besieged.world.ids
        scope = Scope(ids["organization_id"], ids["project_id"])
        many = [
            Message(role="user", content=str(n) * 12_000) for n in range(6)
        ]  # enough to move the first ones
        await message_store.append_messages(scope, ids["conversation_id"], many)
        for operation in WITH_BODY:
            if operation.key[1] not in UNASKED:
                attack = Attack(besieged, operation)
                sample = sample_of(operation, besieged.document, ids)
                if (await attack.send("the sample", value=sample)).status == 412:
                    await attack.send("the sample", value=sample)
        yield besieged


def places(value: Any, at: Where = ()) -> Iterator[Where]:
    """Every place in a stored value; of lists the first element."""
    inside = (
        value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    )
    for step, inner in inside:
        yield (*at, step)
        yield from places(inner, (*at, step))


def breakages(document: Raw) -> Iterator[tuple[str, list[Where]]]:
    """What to try where."""
    found = [place for place in places(document) if place[0] not in KEPT_WHOLE]
    for depth in sorted({len(place) for place in found}):
        level = [place for place in found if len(place) == depth]
        for oddity in ODDITIES:
            yield oddity, level
    for oddity in WORST:
        for place in found:
            if len(place) <= 2:
                yield oddity, [place]


def broken(document: Raw, group: Sequence[Where], value: Any) -> Raw:
    """A copy of a document with the value in some places."""
    result = copy.deepcopy(document)
    for place in reversed(group):
        holder: Any = result
        for step in place[:-1]:
            holder = holder[step]
        if value is MISSING:
            del holder[place[-1]]
        else:
            holder[place[-1]] = value
    return result


@dataclass
class Victim:
    """A stored document, and somebody who reads it."""

    besieged: Siege
    collection: Any
    document: Raw
    person: str

    async def read(self, operation: Operation, what: str, failures: list[str]) -> str:
        """What is answered; of anything but a success only the status."""
        attack = Attack(self.besieged, operation)
        credentials = operation.credentials(self.besieged.world, self.person)
        answer = await attack.send(what, credentials=credentials)
        failures += attack.failures
        return answer.text if answer.status == 200 else str(answer.status)

    async def store(self, document: Raw) -> None:
        await self.collection.replace_one({"_id": self.document["_id"]}, document, upsert=True)

    async def shown_by(self) -> list[tuple[Operation, set[str]]]:
        """The reads whose answer depends on the document, with the ids of its neighbours in their answers."""
        first, whole = await self._answers(), await self._answers()
        await self.collection.delete_one({"_id": self.document["_id"]})
        without = await self._answers()
        await self.store(self.document)
        others = {str(row["_id"]) async for row in self.collection.find({}, {"_id": 1})} - {
            self.document["_id"]
        }
        return [
            (operation, {other for other in others if other in shown})
            for operation, shown, again, rest in zip(READS, whole, first, without, strict=True)
            if shown == again != rest
        ]

    async def _answers(self) -> list[str]:
        failures: list[str] = []
        answers = [await self.read(operation, "whole", failures) for operation in READS]
        assert failures == []
        return answers

    async def breaks_something(
        self, oddity: str, group: Sequence[Where], readers: Sequence[tuple[Operation, set[str]]]
    ) -> list[str]:
        """What goes wrong for the readers while the oddity stands in these places."""
        failures: list[str] = []
        what = f"{oddity} as {', '.join('.'.join(map(str, place)) for place in group):.200}"
        try:
            await self.store(broken(self.document, group, ODDITIES[oddity]))
        except WriteError:  # an index does not take it, so it is stored nowhere
            return []
        for operation, neighbours in readers:
            shown = await self.read(operation, what, failures)
            if not shown.isdecimal() and (lost := [one for one in neighbours if one not in shown]):
                failures.append(f"{operation}, {what}: {lost} are not shown any more")
        return failures


async def victim_of(name: str, besieged: Siege, app: FastAPI) -> Victim:
    """The document of the collection that has the most in it, or the person who is no admin."""
    world = besieged.world
    collection = besieged.runtime.database.db[name]
    if name == "users":
        person = issue_token(world.cast.member.id, app.state.settings, utc_now())
        member = await collection.find_one({"_id": world.cast.member.id})
        assert member is not None
        return Victim(besieged, collection, member, person)
    foreign = world.foreign["organization_id"]
    documents = await collection.find({"organization": {"$ne": foreign}, "_id": {"$ne": foreign}}).to_list()
    assert documents, f"nothing in the world is stored in {name}"
    return Victim(besieged, collection, max(documents, key=lambda one: len(encode(one))), besieged.person)


def collection_of(model: type[BaseDocument]) -> str:
    return str(model.Settings.name)


@pytest.mark.parametrize("name", [collection_of(model) for model in ALL_DOCUMENTS])
async def test_whatever_is_in_a_document_its_readers_and_its_neighbours_are_served(
    name: str, besieged: Siege, app: FastAPI
) -> None:
    if name in UNREAD:
        return
    victim = await victim_of(name, besieged, app)
    readers = await victim.shown_by()
    assert readers, f"nobody reads {name}"

    failures: list[str] = []
    for turn, (oddity, group) in enumerate(breakages(victim.document)):
        chosen = [readers[(turn * READERS + n) % len(readers)] for n in range(min(READERS, len(readers)))]
        failures += await victim.breaks_something(oddity, group, chosen)

    await victim.store(victim.document)
    assert failures == []


async def test_messages_are_paged_whatever_was_stored_instead_of_their_number(besieged: Siege) -> None:
    conversations = besieged.runtime.database.db["conversations"]
    where = {"_id": besieged.world.ids["conversation_id"]}
    [messages] = [one for one in READS if one.key[1] == f"{CONVERSATIONS}/{{conversation_id}}/messages"]
    attack = Attack(besieged, messages)
    target = messages.target(besieged.world.ids)
    document = await conversations.find_one(where)
    assert document is not None

    for oddity, value in ODDITIES.items():
        await conversations.replace_one(where, broken(document, [("moved",)], value))
        for query in ("before=3", "after=1", "limit=200", f"before={2**31}"):
            async with asyncio.timeout(10):
                assert (await attack.send(f"{oddity}, {query}", target=f"{target}?{query}")).status == 200

    await conversations.replace_one(where, document)
    assert attack.failures == []


async def test_conversations_without_a_time_come_last_and_each_just_once(besieged: Siege) -> None:
    conversations = besieged.runtime.database.db["conversations"]
    ids = besieged.world.ids
    document = await conversations.find_one({"_id": ids["conversation_id"]})
    assert document is not None
    oddities = [MISSING, None, MISSING, None]
    timeless = [new_id() for _ in oddities]
    for one, value in zip(timeless, oddities, strict=True):
        await conversations.insert_one(
            broken(document, [("metadata", "last_activity")], value) | {"_id": one}
        )
    [listing] = [one for one in READS if one.key[1] == CONVERSATIONS]
    attack = Attack(besieged, listing)

    seen: list[str] = []
    query = "limit=1"
    while query:
        page = (await attack.send(query, target=f"{listing.target(ids)}?{query}")).json()
        seen += [row["_id"] for row in page["data"]]
        query = page["page"]["next"] and f"limit=1&cursor={page['page']['next']}"

    await conversations.delete_many({"_id": {"$in": timeless}})
    assert seen[-4:] == sorted(timeless, reverse=True)
    assert len(seen) == len(set(seen)) > 4
    assert attack.failures == []


async def test_text_in_no_encoding_is_shown_as_far_as_it_can_be(besieged: Siege) -> None:
    projects = besieged.runtime.database.db["projects"]
    document = await projects.find_one({"_id": besieged.world.ids["project_id"]})
    assert document is not None
    damaged = encode({**document, "name": "Supp@rt"}).replace(b"Supp@rt", b"Supp\xffrt")
    options = projects.codec_options.with_options(document_class=RawBSONDocument)
    await projects.replace_one({"_id": document["_id"]}, RawBSONDocument(damaged, options))
    [listing] = [one for one in READS if one.key[1] == "/organizations/{organization_id}/projects"]
    attack = Attack(besieged, listing)

    shown = (await attack.send("the projects")).json()

    await projects.replace_one({"_id": document["_id"]}, document)
    assert "Supp\N{REPLACEMENT CHARACTER}rt" in {project["name"] for project in shown}
    assert attack.failures == []
