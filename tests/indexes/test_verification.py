"""Which queries and which required rules the indexes serve."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from pymongo.errors import OperationFailure

from crafter.core.documents import BaseDocument
from crafter.core.queries import QueryShape
from indexes import sync
from indexes.server import Db
from indexes.verification import QueryVerdict, RuleVerdict, verify
from tests.indexes.toys import index, toy

INDEXES = (index("team", "name"), index("email", unique=True), index("at", "team"))


async def judged(db: Db, where: dict[str, Any], *sort: tuple[str, int]) -> QueryVerdict:
    people = toy("people", *INDEXES, queries=[QueryShape("asked", where, sort)])
    await sync.apply(db, [people])
    return (await verify(db, [people])).queries[0]


@pytest.mark.parametrize(
    ("where", "sort", "indexes"),
    [
        ({"email": "e"}, (), ("email_1",)),
        ({"team": "t"}, (("name", 1),), ("team_1_name_1",)),
        ({"team": "t"}, (("name", -1),), ("team_1_name_1",)),
        ({"_id": "p"}, (), ("_id_",)),
        ({"_id": {"$in": ["p", "q"]}}, (), ("_id_",)),
        ({"$or": [{"email": "e"}, {"team": "t"}]}, (), ("email_1", "team_1_name_1")),
        ({}, (("at", 1),), ("at_1_team_1",)),
    ],
)
async def test_a_query_that_an_index_serves_passes_and_the_index_is_told(
    db: Db, where: dict[str, Any], sort: tuple[tuple[str, int], ...], indexes: tuple[str, ...]
) -> None:
    verdict = await judged(db, where, *sort)

    assert (verdict.problem, verdict.indexes) == (None, indexes)


@pytest.mark.parametrize(
    ("where", "sort", "problem"),
    [
        ({"name": "n"}, (), "scans the collection"),
        ({}, (), "scans the collection"),
        ({"$or": [{"email": "e"}, {"name": "n"}]}, (), "scans the collection"),
        ({"team": "t"}, (("role", 1),), "sorts in memory"),
        ({"team": "t"}, (("_id", 1),), "scans a whole index"),
        ({"email": {"$in": ["a", "b"]}}, (("name", 1),), "sorts in memory"),
        ({"name": "n"}, (("at", 1),), "scans a whole index"),
        ({"name": "n"}, (("at", -1),), "scans a whole index"),
        ({"$text": {"$search": "x"}}, (), "the server cannot plan it: IndexNotFound"),
    ],
)
async def test_a_query_that_no_index_serves_fails(
    db: Db, where: dict[str, Any], sort: tuple[tuple[str, int], ...], problem: str
) -> None:
    assert (await judged(db, where, *sort)).problem == problem


async def test_a_partial_index_may_be_scanned_as_a_whole(db: Db) -> None:
    open_ones = index("at", partialFilterExpression={"open": True})
    tasks = toy("tasks", open_ones, queries=[QueryShape("the next one", {"open": True}, (("at", 1),))])
    await sync.apply(db, [tasks])

    [verdict] = (await verify(db, [tasks])).queries

    assert (verdict.problem, verdict.indexes) == (None, ("at_1",))


async def test_documents_do_not_change_the_verdict(db: Db) -> None:
    await db.people.insert_many(
        [{"team": f"t{n % 9}", "name": str(n), "email": str(n)} for n in range(2_000)]
    )

    assert (await judged(db, {"team": "t1"}, ("name", 1))).problem is None
    assert (await judged(db, {"name": "n"})).problem == "scans the collection"


async def test_the_narrowest_of_several_indexes_is_told_whichever_wins_on_an_empty_collection(db: Db) -> None:
    people = toy(
        "people",
        index("team", "at"),
        index("team", "role", "at"),
        index("team", "at", "name"),
        queries=[QueryShape("asked", {"team": "t", "role": "r"}, (("at", 1),))],
    )
    await sync.apply(db, [people])

    verdict = await verify(db, [people])

    assert verdict.queries[0].indexes == ("team_1_role_1_at_1",)
    assert {each.spec.name for each in verdict.unused} == {"team_1_at_1", "team_1_at_1_name_1"}


async def test_a_query_on_a_collection_that_does_not_exist_fails(db: Db) -> None:
    people = toy("people", queries=[QueryShape("asked", {"_id": "p"})])

    [verdict] = (await verify(db, [people])).queries

    assert verdict.problem is not None
    assert "no such collection" in verdict.problem


async def test_indexes_that_no_query_uses_are_told_apart_from_constraints(db: Db) -> None:
    people = toy(
        "people",
        index("used"),
        index("idle"),
        index("email", unique=True),
        index("seen", expireAfterSeconds=60),
        queries=[QueryShape("asked", {"used": 1})],
    )
    await sync.apply(db, [people])

    unused = (await verify(db, [people])).unused

    assert [each.spec.name for each in unused] == ["idle_1"]


async def rule(db: Db, number: str, *models: type[BaseDocument]) -> RuleVerdict:
    await sync.apply(db, models)
    verdicts = (await verify(db, models)).rules
    return next(verdict for verdict in verdicts if verdict.rule.number == number)


async def test_a_rule_is_satisfied_by_the_index_of_its_query(db: Db) -> None:
    shape = QueryShape("login", {"email": "e"}, rules=("12.51",))

    verdict = await rule(db, "12.51", toy("users", index("email", unique=True), queries=[shape]))

    assert (verdict.problem, verdict.indexes) == (None, ("email_1",))


@pytest.mark.parametrize(
    ("number", "model", "problem"),
    [
        pytest.param("12.52", toy("organizations"), "no declared query stands for it", id="nobody asks"),
        pytest.param(
            "12.53",
            toy(
                "organizations",
                index("members.user"),
                queries=[QueryShape("mine", {"members": 1}, rules=["12.53"])],
            ),
            "the query 'mine' does not ask for it",
            id="another field",
        ),
        pytest.param(
            "12.52",
            toy("users", index("owner"), queries=[QueryShape("mine", {"owner": 1}, rules=["12.52"])]),
            "the query 'mine' does not ask for it",
            id="another collection",
        ),
        pytest.param(
            "12.52",
            toy("organizations", queries=[QueryShape("mine", {"owner": 1}, rules=["12.52"])]),
            "its query scans the collection",
            id="no index",
        ),
        pytest.param(
            "12.51",
            toy("users", index("email"), queries=[QueryShape("login", {"email": 1}, rules=["12.51"])]),
            "there is no unique index on it",
            id="not unique",
        ),
        pytest.param(
            "12.56",
            toy(
                "agents",
                index("project"),
                queries=[QueryShape("all", {"project": 1, "type": 1}, rules=["12.56"])],
            ),
            "the index of its query does not hold it",
            id="filtered after the index",
        ),
    ],
)
async def test_a_rule_fails_without_a_query_that_an_index_serves(
    db: Db, number: str, model: type[BaseDocument], problem: str
) -> None:
    assert (await rule(db, number, model)).problem == problem


async def test_everything_is_fine_only_when_every_query_and_every_rule_is(db: Db) -> None:
    people = toy("people", index("a"), queries=[QueryShape("asked", {"a": 1})])
    await sync.apply(db, [people])

    verdict = await verify(db, [people])

    assert [query.problem for query in verdict.queries] == [None]
    assert not verdict.ok
    assert verdict.as_json()["ok"] is False


class Router:
    """A mongos with two shards, as far as explaining goes: the test server is a replica set."""

    def __init__(self, *shards: dict[str, Any]) -> None:
        self.shards = [{"shardName": f"shard{n}", **planner} for n, planner in enumerate(shards)]

    async def cursor_command(self, *_: object, **__: object) -> None:
        raise OperationFailure("ns does not exist", 26)

    async def command(self, _: object) -> dict[str, Any]:
        return {"queryPlanner": {"winningPlan": {"stage": "SHARD_MERGE", "shards": self.shards}}}


def planner(
    index_name: str, stage: str = "IXSCAN", rejected: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """What one shard says about a query."""
    bounds = {"indexName": index_name, "indexBounds": {field: ["[1, 1]"] for field in index_name.split("_")}}
    scan = {"stage": stage, **(bounds if stage == "IXSCAN" else {})}
    return {
        "winningPlan": {"stage": "SHARDING_FILTER", "inputStage": scan},
        "rejectedPlans": [each["winningPlan"] for each in rejected],
    }


@pytest.mark.parametrize(
    ("shards", "problem", "indexes"),
    [
        pytest.param([planner("a"), planner("a")], None, ("a",), id="one index"),
        pytest.param([planner("a", rejected=[planner("a_b")]), planner("a")], None, ("a_b",), id="narrower"),
        pytest.param([planner("a"), planner("", "COLLSCAN")], "scans the collection", ("a",), id="one scans"),
        pytest.param(
            [planner("a", rejected=[planner("", "COLLSCAN")]), planner("a")], None, ("a",), id="none scans"
        ),
    ],
)
async def test_the_plans_of_every_shard_count(
    shards: list[dict[str, Any]], problem: str | None, indexes: tuple[str, ...]
) -> None:
    people = toy("people", queries=[QueryShape("asked", {"a": 1})])

    [verdict] = (await verify(cast(Db, Router(*shards)), [people])).queries

    assert (verdict.problem, verdict.indexes) == (problem, indexes)
