"""What every stored document has: its base fields, how it is written, and how it is read back.

Beanie binds a class to its collection and its indexes; queries are plain MongoDB. A document of a tenant can
only be reached through :meth:`TenantDocument.within`, see :mod:`crafter.core.tenancy`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, NoReturn, Self, TypeVar

import beanie
from beanie import PydanticObjectId
from bson import ObjectId
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pymongo import IndexModel
from pymongo.asynchronous.collection import AsyncCollection

from crafter.core.ids import EntityId, new_id
from crafter.core.queries import QueryShape
from crafter.core.tenancy import Scope, ScopeSet, TenantCollection, TenantReader, UnscopedQuery
from crafter.core.time import as_utc, utc_now
from crafter.core.tolerance import read_strictly, read_tolerantly

RawCollection = AsyncCollection[dict[str, Any]]

T = TypeVar("T")


def _is_none(value: object) -> bool:
    return value is None


OmitNone = Annotated[T | None, Field(exclude_if=_is_none)]
"""A field that is left out, in the database and on the wire, while it has no value (never ``null``)."""


Moment = Annotated[datetime, AfterValidator(as_utc)]
"""A time. Whatever was stored, it has a zone, so that it can be compared."""


class Stored(BaseModel):
    """A part of a document. Fields that we do not know are ignored when reading, and survive our updates."""

    model_config = ConfigDict(populate_by_name=True, extra="ignore", defer_build=True)


class StoredElement(Stored):
    """An element of an embedded array; each carries an ObjectId of its own, as LLM Crafter's do."""

    id: PydanticObjectId = Field(default_factory=lambda: PydanticObjectId(ObjectId()), alias="_id")


class BaseDocument(beanie.Document):
    """A document of its own collection, with a UUID string as ``_id`` and the server's timestamps."""

    model_config = ConfigDict(populate_by_name=True, extra="ignore", defer_build=True)

    updated_field: ClassVar[str] = "updatedAt"
    query_shapes: ClassVar[Sequence[QueryShape]] = ()
    shard_key: ClassVar[Sequence[tuple[str, int]]] = ()

    id: EntityId = Field(default_factory=new_id, alias="_id")  # type: ignore[assignment]
    created_at: Moment = Field(default_factory=utc_now, alias="createdAt")
    updated_at: Moment = Field(default_factory=utc_now, alias="updatedAt")
    version_key: int = Field(0, alias="__v", description="Mongoose's counter: written once, then left alone.")
    revision: int = Field(0, description="Rises with every change of ours; the ETag.")

    def to_stored(self) -> dict[str, Any]:
        """The document as MongoDB keeps it."""
        stored: dict[str, Any] = self.model_dump(by_alias=True, exclude={"revision_id"})
        return stored

    @classmethod
    def from_stored(cls, raw: Mapping[str, Any]) -> Self:
        """The document that was read; what does not validate is left out, and reported."""
        return read_tolerantly(cls, raw)

    @classmethod
    def if_sound(cls, raw: Mapping[str, Any] | None) -> Self | None:
        """The document that was read, if there is one and all of it fits: for what lets somebody in.

        A default in the place of a damaged limit would take the limit away.
        """
        return None if raw is None else read_strictly(cls, raw)

    @classmethod
    def collection(cls) -> RawCollection:
        """The collection itself, for the feature's own service."""
        return super().get_pymongo_collection()

    @classmethod
    def index_models(cls) -> list[IndexModel]:
        """The indexes that the document declares."""
        settings = getattr(cls, "Settings", None)
        return list(getattr(settings, "indexes", []))


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that names a document of another collection; ``restricts``: that one cannot be deleted meanwhile."""

    field: str
    target: str
    restricts: bool = True


class TenantDocument(BaseDocument):
    """A document of one organization. Every query on it carries the organization; others raise.

    ``shard_key`` says how a sharded cluster spreads the collection: by organization, unless a large one declares
    a finer key (which must begin with the organization); ``()`` keeps it on one shard.
    """

    references: ClassVar[Sequence[Reference]] = ()
    shard_key: ClassVar[Sequence[tuple[str, int]]] = (("organization", 1),)

    organization: EntityId

    @property
    def scope(self) -> Scope:
        """Where the document lives; holding it proves that its holder was let in there."""
        return Scope(self.organization)

    @classmethod
    def within(cls, scope: Scope) -> TenantCollection:
        """The documents of this collection that belong to the scope, and no others."""
        return TenantCollection(super().collection(), scope, cls.updated_field)

    @classmethod
    def within_all(cls, scopes: Scope | ScopeSet) -> TenantReader:
        """The documents of this collection that belong to any of the scopes, and no others; to be read only."""
        return TenantReader(super().collection(), scopes)

    @classmethod
    def collection(cls) -> RawCollection:
        """Refused: use :meth:`within`. Raises UnscopedQuery."""
        raise UnscopedQuery(cls.__name__)

    @classmethod
    def across_tenants(cls) -> RawCollection:
        """The whole collection, for maintenance and for look-ups by a secret.

        The callers are listed, with their reasons, in ``tests/test_architecture.py``.
        """
        return super().collection()


def _refuse(cls: type[TenantDocument], /, *_: object, **__: object) -> NoReturn:
    raise UnscopedQuery(cls.__name__)


for _query in (
    *(
        "aggregate",
        "all",
        "avg",
        "count",
        "create",
        "current_date",
        "delete",
        "delete_all",
        "distinct",
        "find",
    ),
    *("find_all", "find_many", "find_one", "get", "inc", "insert", "insert_many", "insert_one", "max", "min"),
    *(
        "inspect_collection",
        "replace",
        "replace_many",
        "save",
        "save_changes",
        "set",
        "sum",
        "sync",
        "update",
    ),
    "update_all",
):
    # Beanie's own queries know no tenant, so a tenant's document does not have them.
    setattr(TenantDocument, _query, classmethod(_refuse))


class ProjectDocument(TenantDocument):
    """A document of one project of one organization."""

    project: EntityId

    @property
    def scope(self) -> Scope:
        """The project that the document belongs to."""
        return Scope(self.organization, self.project)
