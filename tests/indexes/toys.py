"""Documents made up for a test: a collection with some indexes and queries."""

from collections.abc import Sequence
from typing import Any, ClassVar

from pymongo import IndexModel

from crafter.core.documents import BaseDocument, TenantDocument
from crafter.core.queries import QueryShape


def index(*fields: str, **options: Any) -> IndexModel:
    """An ascending index with MongoDB's automatic name, unless another is given."""
    return IndexModel([(field, 1) for field in fields], **options)


def toy(
    collection: str, *declared: IndexModel, queries: Sequence[QueryShape] = (), text: str = ""
) -> type[BaseDocument]:
    """A global document with these indexes and queries; ``text`` adds a text index on a field."""

    class Toy(BaseDocument):
        query_shapes: ClassVar = tuple(queries)

        class Settings:
            name = collection
            indexes = [*declared, *([IndexModel([(text, "text")], name=f"{text}_text")] if text else [])]

    return Toy


def tenant_toy(
    collection: str,
    *declared: IndexModel,
    queries: Sequence[QueryShape] = (),
    key: Sequence[tuple[str, int]] = TenantDocument.shard_key,
) -> type[BaseDocument]:
    """A tenant's document with these indexes and queries, and this shard key."""

    class TenantToy(TenantDocument):
        query_shapes: ClassVar = tuple(queries)
        shard_key: ClassVar = tuple(key)

        class Settings:
            name = collection
            indexes = list(declared)

    return TenantToy
