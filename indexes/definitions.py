"""What the documents declare: their indexes, their queries, and the required index rules those stand for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crafter.core.documents import BaseDocument
from crafter.core.queries import QueryShape
from indexes.specs import IndexSpec, read_spec

Models = Sequence[type[BaseDocument]]


@dataclass(frozen=True, slots=True)
class WantedIndex:
    """An index that a document declares for its collection."""

    collection: str
    spec: IndexSpec

    @property
    def required(self) -> bool:
        """Whether it must be there before traffic is served: a unique index decides who wins a race."""
        return self.spec.unique


@dataclass(frozen=True, slots=True)
class DeclaredQuery:
    """A query that a document declares for its collection."""

    collection: str
    shape: QueryShape


@dataclass(frozen=True, slots=True)
class Rule:
    """An index that the requirements name, and the declared queries that stand for it.

    A query of the collection that asks for the fields, and is served by an index, satisfies it.
    """

    number: str
    collection: str
    fields: tuple[str, ...]
    unique: bool = False
    queries: tuple[DeclaredQuery, ...] = ()

    @property
    def text(self) -> str:
        """The rule as the requirements put it."""
        return f"{self.collection} {{{', '.join(self.fields)}}}" + (" unique" if self.unique else "")


_RULES = (
    Rule("12.51", "users", ("email",), unique=True),
    Rule("12.52", "organizations", ("owner",)),
    Rule("12.53", "organizations", ("members.user",)),
    Rule("12.54", "projects", ("organization",)),
    Rule("12.55", "agents", ("organization", "project")),
    Rule("12.56", "agents", ("type",)),
    Rule("12.57", "agents", ("status",)),
    Rule("12.58", "tools", ("name",), unique=True),
    Rule("12.59", "tools", ("category",)),
    Rule("12.60", "tools", ("is_system_tool",)),
    Rule("12.61", "apikeys", ("project",)),
    Rule("12.62", "apikeys", ("provider",)),
    Rule("12.63", "conversations", ("agent",)),
    Rule("12.64", "conversations", ("user",)),
    Rule("12.65", "conversations", ("status",)),
    Rule("12.66", "prompts", ("project",)),
    Rule("12.67", "prompts", ("tags",)),
)


def collection_name(model: type[BaseDocument]) -> str:
    """The collection in which the documents of a class live."""
    return str(model.Settings.name)


def wanted(models: Models) -> list[WantedIndex]:
    """The indexes that the documents declare. Raises ValueError when two of a collection share a name."""
    found: dict[tuple[str, str], WantedIndex] = {}
    for model in models:
        collection = collection_name(model)
        for index in model.index_models():
            spec = read_spec(index.document)
            if (collection, spec.name) in found:
                raise ValueError(f"{collection} declares two indexes with the name {spec.name}")
            found[collection, spec.name] = WantedIndex(collection, spec)
    return list(found.values())


def query_shapes(models: Models) -> list[DeclaredQuery]:
    """The queries that the documents declare."""
    return [DeclaredQuery(collection_name(model), shape) for model in models for shape in model.query_shapes]


def rules(models: Models) -> dict[str, Rule]:
    """The required index rules by their number, each with the declared queries that name it."""
    queries = query_shapes(models)
    return {
        rule.number: replace(rule, queries=tuple(q for q in queries if rule.number in q.shape.rules))
        for rule in _RULES
    }


def conditions(where: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that every match of a filter must fulfil, with dots, and what is asked of each."""
    return dict(_conditions(where, ""))


def _conditions(where: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for field, condition in where.items():
        if field == "$and":
            for part in condition:
                yield from _conditions(part, prefix)
        elif not field.startswith("$"):
            yield prefix + field, condition
            if isinstance(condition, Mapping) and isinstance(condition.get("$elemMatch"), Mapping):
                yield from _conditions(condition["$elemMatch"], f"{prefix}{field}.")
