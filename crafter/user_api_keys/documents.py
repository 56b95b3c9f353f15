"""Platform keys, as they are stored."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from crafter.core.documents import Moment, OmitNone, Reference, Stored, TenantDocument
from crafter.core.ids import EntityId
from crafter.core.queries import QueryShape
from crafter.core.time import utc_now


class KeyScope(StrEnum):
    """What a program may do with a key."""

    prompts_execute = "prompts:execute"
    agents_read = "agents:read"
    agents_execute = "agents:execute"
    agents_chat = "agents:chat"
    projects_read = "projects:read"
    statistics_read = "statistics:read"
    handoffs_manage = "handoffs:manage"


class KeyRestrictions(Stored):
    """Where a key may be used from, and how often; an empty list admits everywhere."""

    ip_whitelist: list[str] = Field(default_factory=list)
    domain_whitelist: list[str] = Field(default_factory=list)
    rate_limit_override: OmitNone[int] = None
    max_executions_per_day: OmitNone[int] = None


class KeyUsage(Stored):
    """How often a key was used: ever, and on the day of ``last_reset_date`` (in UTC)."""

    total_requests: int = 0
    executions_today: int = 0
    last_reset_date: Moment = Field(default_factory=utc_now)
    last_used_at: OmitNone[Moment] = None

    def as_of(self, now: datetime) -> "KeyUsage":
        """The same counters, without those of an earlier day."""
        if self.last_reset_date.date() == now.date():
            return self
        return self.model_copy(update={"executions_today": 0})


class MinuteUsage(Stored):
    """How often a key was used in the minute that began at ``start``."""

    start: Moment
    count: int


class UserApiKey(TenantDocument):
    """A platform key of one person for one organization; of the key itself only a hash is kept.

    A revoked key stays, inactive. ``scopes`` holds values of KeyScope; others grant nothing. No
    ``allowed_projects`` means all of the organization. ``slot`` numbers a person's active keys: no two
    share one, so a limit on slots is a limit on keys. Keys that LLM Crafter made have none. ``minute``
    counts for ``restrictions.rate_limit_override``, the limit of a minute.
    """

    references: ClassVar = (Reference("allowed_projects", "projects", restricts=False),)

    name: str
    key_hash: str
    user: EntityId
    scopes: list[str]
    restrictions: KeyRestrictions = Field(default_factory=KeyRestrictions)
    usage: KeyUsage = Field(default_factory=KeyUsage)
    expires_at: Moment | None = None
    is_active: bool = True
    created_by: EntityId
    last_rotated_at: OmitNone[Moment] = None
    allowed_projects: list[EntityId] = Field(default_factory=list)
    slot: OmitNone[int] = None
    minute: OmitNone[MinuteUsage] = None

    query_shapes: ClassVar = (
        QueryShape(
            "one's keys, newest first",
            {"organization": "o", "user": "u"},
            (("createdAt", DESCENDING), ("_id", DESCENDING)),
        ),
        QueryShape("one's active keys", {"organization": "o", "user": "u", "is_active": True}),
        QueryShape("one key", {"_id": "k", "organization": "o", "user": "u"}),
        QueryShape("the key with a value", {"key_hash": "h", "is_active": True}),
        QueryShape(
            "a key that is used", {"_id": "k", "organization": "o", "key_hash": "h", "is_active": True}
        ),
    )

    class Settings:
        name = "userapikeys"
        indexes = [
            IndexModel([("key_hash", ASCENDING)], name="key_hash_1", unique=True),
            IndexModel([("user", ASCENDING), ("organization", ASCENDING)], name="user_1_organization_1"),
            IndexModel(
                [("organization", ASCENDING), ("is_active", ASCENDING)], name="organization_1_is_active_1"
            ),
            IndexModel(
                [
                    ("organization", ASCENDING),
                    ("user", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="organization_1_user_1_createdAt_-1__id_-1",
            ),
            IndexModel(
                [("organization", ASCENDING), ("user", ASCENDING), ("slot", ASCENDING)],
                name="organization_1_user_1_slot_1",
                unique=True,
                partialFilterExpression={"is_active": True, "slot": {"$exists": True}},
            ),
        ]
