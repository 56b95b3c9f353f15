"""How a sharded cluster spreads the collections, and what the declarations must fulfil for that."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.errors import OperationFailure

from crafter.core.documents import BaseDocument, TenantDocument
from indexes.definitions import Models, collection_name, conditions, wanted
from indexes.server import Db, unhurried

_ALREADY_INITIALIZED = 23
_MONGOS = "isdbgrid"

Key = tuple[tuple[str, int], ...]


class ShardingRefused(Exception):
    """The collections cannot be sharded on this server, or as they are declared; the message says why."""


@dataclass(frozen=True, slots=True)
class Sharding:
    """How one collection is to be spread, and ``unique``: whether the shard key itself is.

    ``obstacles`` are why MongoDB would refuse. A ``small`` collection may then stay on one shard; for a large
    one, its document has to change. ``broadcasts`` are declared queries that every shard would answer.
    """

    collection: str
    key: Key
    unique: bool
    small: bool
    obstacles: tuple[str, ...]
    broadcasts: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether the collection can be sharded as it is declared."""
        return not self.obstacles

    @property
    def stays(self) -> bool:
        """Whether it can do without being sharded, and has to."""
        return self.small and not self.ready

    @property
    def problems(self) -> tuple[str, ...]:
        """What is to be changed on its document, one sentence each."""
        faults = () if self.stays else (*self.obstacles, *self.broadcasts)
        return tuple(f"{self.collection}: {fault}" for fault in faults)

    def command(self, database: str) -> str:
        """What mongosh would have to be told."""
        keys = ", ".join(f'"{field}": {kind}' for field, kind in self.key)
        return f'sh.shardCollection("{database}.{self.collection}", {{ {keys} }}, {str(self.unique).lower()})'

    def as_json(self) -> dict[str, Any]:
        """The plan as JSON can carry it."""
        return {
            "collection": self.collection,
            "key": list(self.key),
            "unique": self.unique,
            "stays": self.stays,
            "obstacles": list(self.obstacles),
            "broadcasts": list(self.broadcasts),
        }


def shardings(models: Models) -> list[Sharding]:
    """What is to be sharded, in the order of the documents; those that declare no key are left out."""
    return [_judge(model) for model in models if model.shard_key]


async def require_mongos(db: Db) -> None:
    """Raises ShardingRefused on a replica set."""
    hello = await db.client.admin.command("hello")
    if hello.get("msg") != _MONGOS:
        raise ShardingRefused(
            "This is a replica set, not a sharded cluster: there is nothing to spread collections over. "
            "Connect to a mongos, or leave --shard out."
        )


async def shard(db: Db, models: Models, *, progress: Callable[[Sharding], None]) -> list[Sharding]:
    """Shard what can be, once its indexes are there; repeating it changes nothing. Answers what is sharded.

    Raises ShardingRefused: on a replica set, before anything is done if a large collection cannot be sharded,
    and for a collection that is sharded by another key.
    """
    await require_mongos(db)
    plans = shardings(models)
    if faults := [f"{p.collection}: {fault}" for p in plans if not p.small for fault in p.obstacles]:
        raise ShardingRefused("\n".join(faults))
    ready = [sharding for sharding in plans if sharding.ready]
    for sharding in ready:
        progress(sharding)
        await _shard_one(db, sharding)
    return ready


async def _shard_one(db: Db, sharding: Sharding) -> None:
    name = f"{db.name}.{sharding.collection}"
    try:
        with unhurried():
            await db.client.admin.command(
                "shardCollection", name, key=dict(sharding.key), unique=sharding.unique
            )
    except OperationFailure as error:
        if error.code != _ALREADY_INITIALIZED:
            raise
        sentence = f"{sharding.collection} is sharded by another key. See MongoDB's reshardCollection."
        raise ShardingRefused(sentence) from None


def _judge(model: type[BaseDocument]) -> Sharding:
    key = tuple(model.shard_key)
    return Sharding(
        collection_name(model),
        key,
        unique=any(index.spec.unique and index.spec.keys == key for index in wanted([model])),
        small=key == TenantDocument.shard_key,
        obstacles=tuple(_obstacles(model, key)),
        broadcasts=tuple(_broadcasts(model, key)),
    )


def _obstacles(model: type[BaseDocument], key: Key) -> Iterator[str]:
    """Why MongoDB would refuse the key."""
    specs = [index.spec for index in wanted([model])]
    for spec in specs:
        if spec.unique and spec.keys[: len(key)] != key:
            yield f"its unique index {spec.name} does not begin with the shard key"
    partly = {"sparse", "partialFilterExpression", "collation"}
    if not any(spec.keys[: len(key)] == key and not partly.intersection(spec.options) for spec in specs):
        yield "it has no index that begins with the shard key"


def _broadcasts(model: type[BaseDocument], key: Key) -> Iterator[str]:
    """The queries that every shard would have to answer."""
    for shape in model.query_shapes:
        asked = conditions(shape.where)
        if not shape.everywhere and not _names_values(asked.get(key[0][0])):
            yield f"the query {shape.name!r} does not name the {key[0][0]}, so it asks every shard"


def _names_values(condition: object) -> bool:
    if isinstance(condition, Mapping):
        return any(operator in condition for operator in ("$eq", "$in"))
    return condition is not None
