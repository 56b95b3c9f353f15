"""The documents of Crafter against the indexes that they declare, on a real server."""

from crafter.documents import ALL_DOCUMENTS
from indexes import sync
from indexes.definitions import collection_name
from indexes.server import Db
from indexes.sharding import shardings
from indexes.verification import verify


async def test_every_declared_query_and_every_rule_is_served_by_an_index(db: Db) -> None:
    await sync.apply(db, ALL_DOCUMENTS)

    verdict = await verify(db, ALL_DOCUMENTS)

    for each in verdict.rules:
        print(f"{each.rule.number}  {each.rule.text}: {each.problem or ', '.join(each.indexes)}")
    collections = {collection_name(model) for model in ALL_DOCUMENTS}
    queries = [
        f"{each.query.collection}: {each.query.shape.name}: {each.problem}" for each in verdict.queries
    ]
    assert [line for line in queries if not line.endswith(": None")] == []
    assert [each for each in verdict.rules if each.problem and each.rule.collection in collections] == []


async def test_nothing_is_left_to_do_after_the_indexes_are_applied(db: Db) -> None:
    await sync.apply(db, ALL_DOCUMENTS)

    assert await sync.plan(db, ALL_DOCUMENTS) == []
    assert await sync.missing_required(db, ALL_DOCUMENTS) == []


def test_every_large_collection_can_be_sharded_and_no_query_asks_every_shard() -> None:
    assert [problem for plan in shardings(ALL_DOCUMENTS) for problem in plan.problems] == []
