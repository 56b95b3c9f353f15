"""Provider keys, as they are stored: the secret is encrypted, and only for its own row."""

from typing import ClassVar

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from crafter.core.documents import Moment, OmitNone, ProjectDocument, Reference, Stored, StoredElement
from crafter.core.ids import EntityId
from crafter.core.queries import QueryShape
from crafter.core.secrets import Place


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


class ApiKey(ProjectDocument):
    """A key of one project for one provider.

    ``key`` is a ciphertext (or a plaintext that an old LLM Crafter left); ``fingerprint`` is equal for equal
    secrets of one project, and ``last4`` is what may be shown of the secret. LLM Crafter's rows have neither.
    """

    name: str
    key: str = Field("", repr=False)
    provider: EntityId
    is_active: bool = True
    usage: Usage = Field(default_factory=Usage)
    rate_limits: OmitNone[RateLimits] = None
    fingerprint: OmitNone[str] = None
    last4: OmitNone[str] = None

    references: ClassVar = (Reference("project", "projects"), Reference("provider", "providers"))
    query_shapes: ClassVar = (
        QueryShape(
            "keys of a project", {"organization": "o", "project": "p"}, (("_id", -1),), rules=("12.61",)
        ),
        QueryShape(
            "the next page of them",
            {"organization": "o", "project": "p", "_id": {"$lt": "k"}},
            (("_id", -1),),
        ),
        QueryShape("one key", {"_id": "k", "organization": "o", "project": "p"}),
        QueryShape("several keys", {"_id": {"$in": ["k", "l"]}, "organization": "o", "project": "p"}),
        QueryShape(
            "a key of one of several organizations", {"_id": "k", "organization": {"$in": ["o", "q"]}}
        ),
        QueryShape(
            "what a key has used of a model",
            {"_id": "k", "usage.usage_by_model.model": "m", "organization": "o", "project": "p"},
        ),
        QueryShape("all keys of a provider", {"provider": "p"}, rules=("12.62",)),
    )

    class Settings:
        name = "apikeys"
        indexes = [
            IndexModel([("key", ASCENDING)], name="key_1", unique=True),
            IndexModel(
                [("organization", ASCENDING), ("project", ASCENDING), ("_id", DESCENDING)],
                name="organization_1_project_1__id_-1",
            ),
            IndexModel(
                [("organization", ASCENDING), ("project", ASCENDING), ("fingerprint", ASCENDING)],
                name="organization_1_project_1_fingerprint_1",
                unique=True,
                partialFilterExpression={"fingerprint": {"$exists": True}},
            ),
            IndexModel([("provider", ASCENDING)], name="provider_1"),
        ]

    @property
    def place(self) -> Place:
        """Where the secret is stored, and alone can be opened."""
        return Place(self.organization, self.Settings.name, self.id, "key")
