"""Provider keys, as they are stored: the secret is encrypted, and only for its own row, or kept elsewhere."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from crafter.core.documents import Moment, OmitNone, ProjectDocument, Reference, Stored, StoredElement
from crafter.core.ids import EntityId
from crafter.core.queries import QueryShape
from crafter.core.secrets import Place


class StorageKind(StrEnum):
    """Where a secret is kept: with us, in a variable of the server's environment, or in a file of the server."""

    database = "database"
    environment = "environment"
    file = "file"


class SecretStorage(Stored):
    """Where a secret is kept that is not in the database; ``reference`` is a variable's name or a file's path."""

    kind: StorageKind
    reference: str


class EarlierSecret(Stored):
    """The secret that was replaced last: good for calls until ``until``, when the new one is refused."""

    key: str = Field(repr=False)
    until: Moment


class KeyFailure(Stored):
    """When and how the key itself was last the reason why a call failed."""

    at: Moment
    code: str


class ModelUsage(StoredElement):
    """What was used of one model. LLM Crafter adds one of these for every execution of a prompt."""

    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0


class Usage(Stored):
    """What was used with a key; costs are in US dollars. LLM Crafter counts no requests, and no time."""

    total_tokens: int = 0
    total_cost: float = 0
    usage_by_model: list[ModelUsage] = Field(default_factory=list)
    total_requests: int = 0
    last_used_at: OmitNone[Moment] = None


class RateLimits(Stored):
    """How much may be asked with a key; absent: as much as one likes.

    A call is let in while less than the limit was used; what its answer takes is known afterwards.
    """

    requests_per_minute: OmitNone[int] = None
    tokens_per_minute: OmitNone[int] = None
    daily_token_limit: OmitNone[int] = None


_IN_PROJECT = {"organization": "o", "project": "p"}
_NEWEST_FIRST = (("_id", -1),)
_A_DAY = "2026-01-31T09:15:00Z"


class ApiKey(ProjectDocument):
    """A key of one project for one provider.

    ``key`` is a ciphertext (or a plaintext that an old LLM Crafter left); where the secret is kept elsewhere, or was
    erased, it is a ciphertext of nothing, since every row has a ``key`` of its own. ``fingerprints``, of the secret
    and of the earlier one, are equal for equal secrets of one project, and ``last4`` is what may be shown of the
    secret. It is only sent to ``bound_host``. LLM Crafter's rows have none of these.
    """

    name: str
    key: str = Field("", repr=False)
    provider: EntityId
    is_active: bool = True
    usage: Usage = Field(default_factory=Usage)
    rate_limits: OmitNone[RateLimits] = None
    storage: OmitNone[SecretStorage] = None
    fingerprints: OmitNone[list[str]] = None
    last4: OmitNone[str] = None
    bound_host: OmitNone[str] = None
    is_default: OmitNone[bool] = None
    expires_at: OmitNone[Moment] = None
    expiry_warned_at: OmitNone[Moment] = None
    erased_at: OmitNone[Moment] = None
    rotated_at: OmitNone[Moment] = None
    revoked_at: OmitNone[Moment] = None
    earlier: OmitNone[EarlierSecret] = None
    last_failure: OmitNone[KeyFailure] = None

    references: ClassVar = (Reference("project", "projects"), Reference("provider", "providers"))
    query_shapes: ClassVar = (
        QueryShape("keys of a project", _IN_PROJECT, _NEWEST_FIRST, rules=("12.61",)),
        QueryShape("the next page of them", {**_IN_PROJECT, "_id": {"$lt": "k"}}, _NEWEST_FIRST),
        QueryShape("those that expire soon", {**_IN_PROJECT, "expires_at": {"$lt": _A_DAY}}, _NEWEST_FIRST),
        QueryShape("keys of an organization", {"organization": "o", "_id": {"$lt": "k"}}, _NEWEST_FIRST),
        QueryShape("keys that may be used", {**_IN_PROJECT, "is_active": {"$ne": False}}, _NEWEST_FIRST),
        QueryShape("one key", {"_id": "k", **_IN_PROJECT}),
        QueryShape("several keys", {"_id": {"$in": ["k", "l"]}, **_IN_PROJECT}),
        QueryShape(
            "a key of one of several organizations", {"_id": "k", "organization": {"$in": ["o", "q"]}}
        ),
        QueryShape(
            "what a key has used of a model", {"_id": "k", "usage.usage_by_model.model": "m", **_IN_PROJECT}
        ),
        QueryShape("the default key", {**_IN_PROJECT, "provider": "p", "is_default": True}),
        QueryShape("the newest key of a provider", {**_IN_PROJECT, "provider": "p"}, _NEWEST_FIRST),
        QueryShape("all keys of a provider", {"provider": "p"}, rules=("12.62",)),
        QueryShape(
            "keys that expire", {"expires_at": {"$lt": _A_DAY}}, (("expires_at", 1),), everywhere=True
        ),
        QueryShape(
            "earlier secrets whose time is over",
            {"earlier.until": {"$lte": _A_DAY}},
            (("earlier.until", 1),),
            everywhere=True,
        ),
    )

    class Settings:
        name = "apikeys"
        indexes = [
            IndexModel([("key", ASCENDING)], name="key_1", unique=True),
            IndexModel(
                [("organization", ASCENDING), ("project", ASCENDING), ("_id", DESCENDING)],
                name="organization_1_project_1__id_-1",
            ),
            IndexModel([("organization", ASCENDING), ("_id", DESCENDING)], name="organization_1__id_-1"),
            IndexModel(
                [("organization", ASCENDING), ("project", ASCENDING), ("fingerprints", ASCENDING)],
                name="organization_1_project_1_fingerprints_1",
                unique=True,
                partialFilterExpression={"fingerprints": {"$exists": True}},
            ),
            IndexModel(
                [("organization", ASCENDING), ("project", ASCENDING), ("provider", ASCENDING)],
                name="organization_1_project_1_provider_1_default",
                unique=True,
                partialFilterExpression={"is_default": True},
            ),
            IndexModel(
                [
                    ("organization", ASCENDING),
                    ("project", ASCENDING),
                    ("provider", ASCENDING),
                    ("_id", DESCENDING),
                ],
                name="organization_1_project_1_provider_1__id_-1",
            ),
            IndexModel([("provider", ASCENDING)], name="provider_1"),
            IndexModel(
                [("expires_at", ASCENDING)],
                name="expires_at_1",
                partialFilterExpression={"expires_at": {"$exists": True}},
            ),
            IndexModel(
                [("earlier.until", ASCENDING)],
                name="earlier.until_1",
                partialFilterExpression={"earlier.until": {"$exists": True}},
            ),
        ]

    @property
    def place(self) -> Place:
        """Where the secret is stored, and alone can be opened."""
        return Place(self.organization, self.Settings.name, self.id, "key")

    @property
    def earlier_place(self) -> Place:
        """Where the earlier secret is stored."""
        return Place(self.organization, self.Settings.name, self.id, "earlier.key")

    @property
    def kept_in(self) -> StorageKind:
        """Where the secret is kept."""
        return StorageKind.database if self.storage is None else self.storage.kind

    def expired(self, now: datetime) -> bool:
        """Whether the key's time is over."""
        return self.expires_at is not None and self.expires_at <= now
