"""Whether indexes serve the declared queries: each is replayed with ``explain``, and none is run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.errors import OperationFailure

from indexes.definitions import (
    DeclaredQuery,
    Models,
    Rule,
    WantedIndex,
    collection_name,
    conditions,
    query_shapes,
    rules,
    wanted,
)
from indexes.server import Db, ready_indexes
from indexes.specs import IndexSpec

_BY_ID = "_id_"
_WHOLE = (["[MinKey, MaxKey]"], ["[MaxKey, MinKey]"])

Ready = Mapping[str, Sequence[IndexSpec]]
Stage = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class QueryVerdict:
    """How the server would answer a declared query: by which indexes, and what is wrong with that."""

    query: DeclaredQuery
    indexes: tuple[str, ...]
    problem: str | None

    def as_json(self) -> dict[str, Any]:
        """The verdict as JSON can carry it."""
        about = {"collection": self.query.collection, "name": self.query.shape.name}
        return {**about, "indexes": list(self.indexes), "problem": self.problem}


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """Which indexes satisfy a required index rule, or why none does."""

    rule: Rule
    indexes: tuple[str, ...]
    problem: str | None

    def as_json(self) -> dict[str, Any]:
        """The verdict as JSON can carry it."""
        about = {"rule": self.rule.number, "text": self.rule.text}
        return {**about, "indexes": list(self.indexes), "problem": self.problem}


@dataclass(frozen=True, slots=True)
class Verification:
    """The verdict on every declared query and every rule; ``unused`` indexes serve none of the queries.

    Those are no fault: they may serve other software. Unique and expiring indexes never count as unused.
    """

    queries: Sequence[QueryVerdict]
    rules: Sequence[RuleVerdict]
    unused: Sequence[WantedIndex]

    @property
    def ok(self) -> bool:
        """Whether no query and no rule has a problem."""
        problems = [query.problem for query in self.queries] + [rule.problem for rule in self.rules]
        return not any(problems)

    def as_json(self) -> dict[str, Any]:
        """The verdicts as JSON can carry them."""
        return {
            "ok": self.ok,
            "queries": [verdict.as_json() for verdict in self.queries],
            "rules": [verdict.as_json() for verdict in self.rules],
            "unused": [f"{index.collection}.{index.spec.name}" for index in self.unused],
        }


async def verify(db: Db, models: Models) -> Verification:
    """Judge every declared query, and every rule by its queries; a database without documents will do.

    A query fails when it scans the collection, or the whole of an index, or sorts in memory. A rule fails
    when no query stands for it, when that query fails, or when its index does not hold the rule's fields.
    """
    collections = {collection_name(model) for model in models}
    ready = {collection: await ready_indexes(db, collection) for collection in sorted(collections)}
    queries = [await _judge_query(db, query) for query in query_shapes(models)]
    taken = {(verdict.query.collection, name) for verdict in queries for name in verdict.indexes}
    return Verification(
        queries,
        [_judge_rule(rule, queries, ready) for rule in rules(models).values()],
        [index for index in wanted(models) if _is_unused(index, taken, ready)],
    )


async def _judge_query(db: Db, query: DeclaredQuery) -> QueryVerdict:
    find: dict[str, Any] = {"find": query.collection, "filter": dict(query.shape.where)}
    if query.shape.sort:
        find["sort"] = dict(query.shape.sort)
    try:
        answer = await db.command({"explain": find, "verbosity": "queryPlanner"})
    except OperationFailure as error:
        return QueryVerdict(query, (), f"the server cannot plan it: {(error.details or {}).get('codeName')}")
    planner = answer["queryPlanner"]
    return QueryVerdict(query, _indexes_of(planner, query), _problem_of(planner["winningPlan"], query))


def _stages(plan: Any) -> Iterator[Stage]:
    """Every stage of a plan, on every shard."""
    if isinstance(plan, Mapping):
        if isinstance(plan.get("stage"), str):
            yield plan
        for name, part in plan.items():
            if name != "rejectedPlans":
                yield from _stages(part)
    elif isinstance(plan, list):
        for part in plan:
            yield from _stages(part)


def _indexes_of(planner: Stage, query: DeclaredQuery) -> tuple[str, ...]:
    """The indexes of the plan that narrows the search most.

    Which of several plans wins is chance while the example values match no document: each is done at once.
    """
    winner = planner["winningPlan"]
    if _problem_of(winner, query) or _names(winner) == (_BY_ID,):
        return _names(winner)
    plans = [plan for plan in _plans(planner) if _problem_of(plan, query) is None]
    return _names(max(plans, key=_narrowness))


def _plans(planner: Stage) -> Iterator[Stage]:
    """The plan that won, then those that could have, on every shard."""
    yield planner["winningPlan"]
    yield from planner.get("rejectedPlans", ())
    for shard in planner["winningPlan"].get("shards", ()):
        yield from _plans(shard)


def _names(plan: Stage) -> tuple[str, ...]:
    names = [_BY_ID if stage["stage"] == "IDHACK" else stage.get("indexName") for stage in _stages(plan)]
    return tuple(dict.fromkeys(name for name in names if name))


def _narrowness(plan: Stage) -> int:
    """How many fields of its indexes a plan bounds; of several indexes, those of the loosest."""
    bounds = [list(stage["indexBounds"].values()) for stage in _stages(plan) if "indexBounds" in stage]
    return min((sum(bound not in _WHOLE for bound in each) for each in bounds), default=0)


def _problem_of(plan: Stage, query: DeclaredQuery) -> str | None:
    stages = list(_stages(plan))
    kinds = {stage["stage"] for stage in stages}
    if "COLLSCAN" in kinds:
        return "scans the collection"
    if "SORT" in kinds:
        return "sorts in memory"
    if "EOF" in kinds:
        return "cannot be judged: there is no such collection, or nothing can match; run apply first"
    if query.shape.where and any(_scans_whole_index(stage) for stage in stages):
        return "scans a whole index"
    return None


def _scans_whole_index(stage: Stage) -> bool:
    """A filter that the index does not narrow costs as much as a scan of the collection."""
    first = next(iter(stage.get("indexBounds", {}).values()), None)
    return first in _WHOLE and not stage.get("isPartial")


def _judge_rule(rule: Rule, verdicts: Sequence[QueryVerdict], ready: Ready) -> RuleVerdict:
    if not rule.queries:
        return RuleVerdict(rule, (), "no declared query stands for it")
    for query in rule.queries:
        asked = conditions(query.shape.where)
        if query.collection != rule.collection or any(field not in asked for field in rule.fields):
            return RuleVerdict(rule, (), f"the query {query.shape.name!r} does not ask for it")
    serving = [verdict for verdict in verdicts if verdict.query in rule.queries]
    if problem := next((verdict.problem for verdict in serving if verdict.problem), None):
        return RuleVerdict(rule, (), f"its query {problem}")
    if rule.unique and not any(_is_unique(spec, rule) for spec in ready[rule.collection]):
        return RuleVerdict(rule, (), "there is no unique index on it")
    names = dict.fromkeys(name for verdict in serving for name in verdict.indexes)
    holding = [spec.name for spec in ready[rule.collection] if spec.name in names and _holds(spec, rule)]
    return RuleVerdict(rule, tuple(holding), None if holding else "the index of its query does not hold it")


def _holds(spec: IndexSpec, rule: Rule) -> bool:
    return {field for field, _ in spec.keys}.issuperset(rule.fields)


def _is_unique(spec: IndexSpec, rule: Rule) -> bool:
    partly = {"sparse", "partialFilterExpression"}.intersection(spec.options)
    return spec.unique and not partly and tuple(field for field, _ in spec.keys) == rule.fields


def _is_unused(index: WantedIndex, taken: set[tuple[str, str]], ready: Ready) -> bool:
    there = any(spec.name == index.spec.name for spec in ready[index.collection])
    expires = "expireAfterSeconds" in index.spec.options
    return there and not (index.required or expires or (index.collection, index.spec.name) in taken)
