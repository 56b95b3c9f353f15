"""How collections are spread over shards, and what stands in the way.

The test server is a replica set; what a router would be told is recorded instead.
"""

from typing import Any, cast

import pytest
from pymongo.errors import OperationFailure

from crafter.core.queries import QueryShape
from indexes.server import Db
from indexes.sharding import Sharding, ShardingRefused, shard, shardings
from tests.indexes.toys import index, tenant_toy, toy

BY_ID = (("organization", 1), ("_id", 1))


def only(*plans: Sharding) -> Sharding:
    [plan] = plans
    return plan


def test_a_tenants_collection_is_spread_by_organization() -> None:
    plan = only(*shardings([toy("global"), tenant_toy("notes", index("organization", "name", unique=True))]))

    assert plan.ready
    assert plan.problems == ()
    assert plan.command("crafter") == 'sh.shardCollection("crafter.notes", { "organization": 1 }, false)'


def test_a_shard_key_with_a_unique_index_of_its_own_is_unique() -> None:
    plan = only(*shardings([tenant_toy("chats", index("organization", "_id", unique=True), key=BY_ID)]))

    assert (
        plan.command("crafter")
        == 'sh.shardCollection("crafter.chats", { "organization": 1, "_id": 1 }, true)'
    )


def test_a_small_collection_with_an_obstacle_stays_on_one_shard() -> None:
    plan = only(*shardings([tenant_toy("keys", index("organization"), index("hash", unique=True))]))

    assert plan.stays
    assert plan.problems == ()
    assert plan.obstacles == ("its unique index hash_1 does not begin with the shard key",)


@pytest.mark.parametrize(
    ("indexes", "problem"),
    [
        (
            [index("organization", "_id"), index("hash", unique=True)],
            "its unique index hash_1 does not begin",
        ),
        ([index("organization", "name")], "it has no index that begins with the shard key"),
        ([index("organization", "_id", sparse=True)], "it has no index that begins with the shard key"),
        (
            [index("organization", "_id", collation={"locale": "en"})],
            "it has no index that begins with the shard key",
        ),
    ],
)
def test_an_obstacle_to_a_large_collection_is_a_problem(indexes: list[object], problem: str) -> None:
    plan = only(*shardings([tenant_toy("chats", *indexes, key=BY_ID)]))  # type: ignore[arg-type]

    assert not plan.ready
    assert not plan.stays
    assert problem in plan.problems[0]


@pytest.mark.parametrize(
    ("where", "targeted"),
    [
        ({"organization": "o", "name": "n"}, True),
        ({"$and": [{"organization": {"$in": ["o"]}}, {"name": "n"}]}, True),
        ({"name": "n"}, False),
        ({"organization": {"$gt": "o"}}, False),
        ({"$or": [{"organization": "o"}, {"name": "n"}]}, False),
    ],
)
def test_a_query_without_the_organization_would_ask_every_shard(
    where: dict[str, object], targeted: bool
) -> None:
    notes = tenant_toy("notes", index("organization"), queries=[QueryShape("asked", where)])

    problems = only(*shardings([notes])).problems

    told = "notes: the query 'asked' does not name the organization, so it asks every shard"
    assert problems == (() if targeted else (told,))


async def test_a_replica_set_is_told_apart_politely(db: Db) -> None:
    with pytest.raises(ShardingRefused, match="This is a replica set, not a sharded cluster"):
        await shard(db, [tenant_toy("notes", index("organization"))], progress=lambda _: None)

    assert await db.list_collection_names() == []


class Router:
    """A mongos, as far as sharding goes: it records what it is told."""

    name = "crafter"

    def __init__(self, refusal: int | None = None) -> None:
        self.refusal = refusal
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.client = self
        self.admin = self

    async def command(self, command: str, name: str = "", **options: Any) -> dict[str, Any]:
        if command == "hello":
            return {"msg": "isdbgrid"}
        if self.refusal:
            raise OperationFailure("refused", self.refusal)
        self.told.append((f"{command} {name}", options))
        return {}


NOTES = tenant_toy("notes", index("organization"))
CHATS = tenant_toy("chats", index("organization", "_id", unique=True), key=BY_ID)
KEYS = tenant_toy("keys", index("organization"), index("hash", unique=True))
STUCK = tenant_toy("stuck", index("organization"), key=BY_ID)


async def test_a_router_is_told_to_shard_what_can_be_sharded_in_order() -> None:
    router = Router()
    begun: list[str] = []

    done = await shard(
        cast(Db, router), [CHATS, KEYS, NOTES], progress=lambda each: begun.append(each.collection)
    )

    assert [plan.collection for plan in done] == begun == ["chats", "notes"]
    assert router.told == [
        ("shardCollection crafter.chats", {"key": {"organization": 1, "_id": 1}, "unique": True}),
        ("shardCollection crafter.notes", {"key": {"organization": 1}, "unique": False}),
    ]


async def test_nothing_is_sharded_while_a_large_collection_cannot_be() -> None:
    router = Router()

    with pytest.raises(ShardingRefused, match="stuck: it has no index that begins with the shard key"):
        await shard(cast(Db, router), [NOTES, STUCK], progress=lambda _: None)

    assert router.told == []


async def test_a_collection_that_is_sharded_by_another_key_is_named() -> None:
    with pytest.raises(ShardingRefused, match="notes is sharded by another key"):
        await shard(cast(Db, Router(refusal=23)), [NOTES], progress=lambda _: None)
