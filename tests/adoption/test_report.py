"""``crafter adopt --check`` tells what is in a database of the Node server, and changes nothing."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bson import ObjectId, encode
from pymongo import AsyncMongoClient

from crafter.adoption.report import Db, examine
from crafter.core.secrets import Keyring
from crafter.documents import ALL_DOCUMENTS
from tests import node_database as node


@pytest.fixture
async def db(mongodb_uri: str) -> AsyncIterator[Db]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongodb_uri, tz_aware=True)
    database = client.get_database(client.get_default_database().name + "_node")
    await node.write_node_database(database)
    yield database
    await client.drop_database(database.name)
    await client.close()


async def contents(db: Db) -> str:
    digest = hashlib.sha256()
    for name in sorted(await db.list_collection_names()):
        async for document in db[name].find({}, sort=[("_id", 1)]):
            digest.update(encode(document))
    return digest.hexdigest()


async def test_a_sound_database_is_clean_and_untouched(db: Db) -> None:
    before = await contents(db)

    report = await examine(db, Keyring(node.ENCRYPTION_KEY), ALL_DOCUMENTS)

    assert report.clean
    assert report.counts["conversations"] == 2
    assert report.without_tenant == {"apikeys": 2, "conversations": 2}
    assert [str(orphans) for orphans in report.orphans] == ["agents.api_key: 1 apikeys are gone (gone)"]
    assert await contents(db) == before


async def test_a_wrong_key_names_what_it_does_not_open(db: Db) -> None:
    report = await examine(db, Keyring("f" * 64), ALL_DOCUMENTS)

    assert not report.clean
    assert {(secret.collection, secret.id) for secret in report.unreadable} == {
        ("apikeys", node.KEY),
        ("conversations", node.ENCRYPTED_CONVERSATION),
    }
    assert node.ENCRYPTED_KEY not in str(report.as_json())


async def test_duplicates_are_told_by_their_ids(db: Db) -> None:
    await db.users.insert_one({"_id": "twin", "email": node.EMAIL, "name": "Twin"})

    report = await examine(db, Keyring(node.ENCRYPTION_KEY), ALL_DOCUMENTS)

    assert not report.clean
    assert len(report.duplicates) == 1
    assert "twin" in report.duplicates[0]
    assert node.EMAIL not in report.duplicates[0]


async def test_members_and_references_that_lead_nowhere_are_counted(db: Db) -> None:
    lost = {"_id": ObjectId(), "user": "nobody", "role": "viewer"}
    await db.organizations.update_one({}, {"$push": {"members": lost}})
    await db.conversations.insert_many({"agent": f"gone{n}"} for n in range(30))

    report = await examine(db, Keyring(node.ENCRYPTION_KEY), ALL_DOCUMENTS)

    found = {f"{orphans.collection}.{orphans.field}": orphans for orphans in report.orphans}
    assert found["organizations.members.user"].ids == ["nobody"]
    assert found["conversations.agent"].missing == 30
    assert len(found["conversations.agent"].ids) == 20
