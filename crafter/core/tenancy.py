"""The one door to tenant data: a collection that cannot be asked without its organization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from crafter.core.time import utc_now

Document = dict[str, Any]
Where = Mapping[str, Any]
Change = Mapping[str, Any]
Sort = Sequence[tuple[str, int]]
_TENANT_FIELDS = frozenset({"organization", "project"})


class UnscopedQuery(RuntimeError):
    """A query on tenant data without its organization: a mistake in our code, never the caller's."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} holds tenants' data: query it with {name}.within(scope)")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a caller may touch: one organization, or one project of it.

    Only ``organizations`` and ``projects`` make one, from a credential or from a document reached by one.
    """

    organization: str
    project: str | None = None

    @property
    def whole_organization(self) -> "Scope":
        """The organization, with all of its projects; for what belongs to it and not to one of them."""
        return replace(self, project=None)

    def as_filter(self) -> dict[str, str]:
        """The part of a query that keeps it inside."""
        if self.project is None:
            return {"organization": self.organization}
        return {"organization": self.organization, "project": self.project}


@dataclass(frozen=True, slots=True)
class ScopeSet:
    """What one person may read in all of their organizations at once. Only ``organizations`` makes one, from
    memberships that were just read."""

    organizations: frozenset[str]

    def as_filter(self) -> dict[str, Any]:
        """The part of a query that keeps it inside."""
        return {"organization": {"$in": sorted(self.organizations)}}


class TenantReader:
    """A MongoDB collection to read from, seen through a scope or several: each filter gains the tenant.

    Documents come out as MongoDB keeps them.
    """

    __slots__ = ("_collection", "_tenant")

    def __init__(self, collection: AsyncCollection[Document], scope: Scope | ScopeSet) -> None:
        self._collection = collection
        self._tenant: Document = dict(scope.as_filter())

    async def find_one(
        self,
        where: Where,
        *,
        fields: Where | None = None,
        sort: Sort | None = None,
        session: AsyncClientSession | None = None,
    ) -> Document | None:
        """The first match, or None."""
        return await self._collection.find_one(self._filter(where), fields, sort=sort, session=session)

    async def find(
        self,
        where: Where,
        *,
        fields: Where | None = None,
        sort: Sort | None = None,
        skip: int = 0,
        limit: int,
        session: AsyncClientSession | None = None,
    ) -> list[Document]:
        """At most ``limit`` matches."""
        cursor = self._collection.find(
            self._filter(where), fields, sort=sort, skip=skip, limit=limit, session=session
        )
        return await cursor.to_list()

    async def exists(self, where: Where, *, session: AsyncClientSession | None = None) -> bool:
        """Whether anything matches."""
        return await self._collection.find_one(self._filter(where), {"_id": 1}, session=session) is not None

    async def count(self, where: Where, *, limit: int = 10_000) -> int:
        """How many match, counted no further than ``limit``."""
        return await self._collection.count_documents(self._filter(where), limit=limit)

    async def aggregate(self, stages: Sequence[Where]) -> list[Document]:
        """The result of a pipeline that starts from the scope's documents."""
        cursor = await self._collection.aggregate([{"$match": self._tenant}, *stages])
        return await cursor.to_list()

    def _filter(self, where: Where) -> Document:
        for field in _TENANT_FIELDS.intersection(where):
            if self._tenant.get(field, where[field]) != where[field]:
                raise UnscopedQuery(self._collection.name)
        return {**where, **self._tenant}


class TenantCollection(TenantReader):
    """A MongoDB collection seen through one scope: each filter gains the tenant, no update can move a document.

    Documents go in and out as MongoDB keeps them. Every change raises ``revision`` and sets the time of change.
    """

    __slots__ = ("_updated_field",)

    def __init__(self, collection: AsyncCollection[Document], scope: Scope, updated_field: str) -> None:
        super().__init__(collection, scope)
        self._updated_field = updated_field

    async def insert(self, document: Document, *, session: AsyncClientSession | None = None) -> None:
        """Store a new document. Raises DuplicateKeyError, and ValueError for a document of another tenant."""
        if any(document.get(field) != value for field, value in self._tenant.items()):
            raise ValueError("a document must be inserted into its own tenant")
        await self._collection.insert_one(document, session=session)

    async def update_one(
        self,
        where: Where,
        change: Change,
        *,
        array_filters: Sequence[Where] | None = None,
        session: AsyncClientSession | None = None,
    ) -> int:
        """Change the first match; answers how many matched (0 or 1)."""
        done = await self._collection.update_one(
            self._filter(where), self._stamped(change), array_filters=array_filters, session=session
        )
        return done.matched_count

    async def update_many(
        self, where: Where, change: Change, *, session: AsyncClientSession | None = None
    ) -> int:
        """Change every match; answers how many matched."""
        done = await self._collection.update_many(self._filter(where), self._stamped(change), session=session)
        return done.matched_count

    async def change_one(
        self,
        where: Where,
        change: Change | Sequence[Change],
        *,
        fields: Where | None = None,
        array_filters: Sequence[Where] | None = None,
        session: AsyncClientSession | None = None,
    ) -> Document | None:
        """Change the first match and answer it as it is afterwards, or None. Pipelines are taken as they are."""
        update = self._stamped(change) if isinstance(change, Mapping) else list(change)
        return await self._collection.find_one_and_update(
            self._filter(where),
            update,
            fields,
            return_document=ReturnDocument.AFTER,
            array_filters=array_filters,
            session=session,
        )

    async def upsert_once(self, document: Document) -> None:
        """Store a document with a derived id; if it is there already, leave it as it is."""
        key = {"_id": document["_id"], **self._tenant}
        await self._collection.update_one(
            key,
            {"$setOnInsert": {k: v for k, v in document.items() if k != "_id" and k not in self._tenant}},
            upsert=True,
        )

    async def add_to(
        self,
        document: Document,
        amounts: Mapping[str, int],
        *,
        session: AsyncClientSession | None = None,
    ) -> None:
        """Add to the counters of a document with a derived id, which begins as it is given; paths name the counters."""
        touched = {path.split(".")[0] for path in amounts} | {"_id", "revision", self._updated_field}
        first = {k: v for k, v in document.items() if k not in touched and k not in self._tenant}
        change = self._stamped({"$inc": amounts}) | {"$setOnInsert": first}
        key = {"_id": document["_id"], **self._tenant}
        await self._collection.update_one(key, change, upsert=True, session=session)

    async def delete_one(self, where: Where, *, session: AsyncClientSession | None = None) -> bool:
        """Delete the first match; answers whether there was one."""
        return (await self._collection.delete_one(self._filter(where), session=session)).deleted_count == 1

    async def delete_many(self, where: Where) -> int:
        """Delete every match; answers how many there were."""
        return (await self._collection.delete_many(self._filter(where))).deleted_count

    def _stamped(self, change: Change) -> Document:
        update = {operator: dict(fields) for operator, fields in change.items()}
        for operator, fields in update.items():
            if not operator.startswith("$") or any(name.split(".")[0] in _TENANT_FIELDS for name in fields):
                raise ValueError("an update cannot move a document to another tenant")
        update.setdefault("$set", {}).setdefault(self._updated_field, utc_now())
        update.setdefault("$inc", {}).setdefault("revision", 1)
        return update
