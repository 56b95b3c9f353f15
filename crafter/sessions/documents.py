"""Session tokens, as they are stored."""

from datetime import UTC, datetime
from typing import ClassVar

from pymongo import ASCENDING, DESCENDING, IndexModel

from crafter.core.documents import Moment, OmitNone, ProjectDocument, Reference
from crafter.core.ids import EntityId
from crafter.core.queries import QueryShape

_NOW = datetime(2026, 1, 31, tzinfo=UTC)
"""An example for the query shapes."""


class SessionToken(ProjectDocument):
    """A token for one agent, made with a platform key; of the token itself only a hash is kept.

    ``slot`` numbers the live sessions of one key with one agent: no two share one, so a limit on slots is a limit on
    sessions. A session that has expired keeps its slot until somebody needs it.
    """

    shard_key: ClassVar = ()  # a token is found by its hash, which is unique whoever's it is

    token_hash: str
    user_api_key: EntityId
    agent: EntityId
    expires_at: Moment
    client_ip: OmitNone[str] = None
    client_domain: OmitNone[str] = None
    max_interactions: int = 100
    interactions_used: int = 0
    last_used_at: OmitNone[Moment] = None
    is_revoked: bool = False
    slot: OmitNone[int] = None

    references: ClassVar = (
        Reference("agent", "agents", restricts=False),
        Reference("user_api_key", "userapikeys", restricts=False),
        Reference("project", "projects", restricts=False),
    )
    query_shapes: ClassVar = (
        QueryShape(
            "the session of a token", {"token_hash": "h", "is_revoked": False, "expires_at": {"$gt": _NOW}}
        ),
        QueryShape("one session", {"_id": "s", "organization": "o", "user_api_key": "k"}),
        QueryShape("the session that an end user is called after", {"_id": "s", "organization": "o"}),
        QueryShape(
            "a key's live sessions, newest first",
            {
                "organization": "o",
                "user_api_key": "k",
                "is_revoked": False,
                "expires_at": {"$gt": _NOW},
            },
            (("createdAt", DESCENDING), ("_id", DESCENDING)),
        ),
        QueryShape(
            "slots of a key with an agent",
            {
                "organization": "o",
                "project": "p",
                "user_api_key": "k",
                "agent": "a",
                "slot": {"$exists": True},
            },
        ),
        QueryShape("sessions of an agent", {"organization": "o", "project": "p", "agent": "a"}),
    )

    class Settings:
        name = "sessiontokens"
        indexes = [
            IndexModel([("token_hash", ASCENDING)], name="token_hash_1", unique=True),
            IndexModel([("user_api_key", ASCENDING), ("agent", ASCENDING)], name="user_api_key_1_agent_1"),
            IndexModel([("expires_at", ASCENDING)], name="expires_at_1"),
            IndexModel(
                [("is_revoked", ASCENDING), ("expires_at", ASCENDING)], name="is_revoked_1_expires_at_1"
            ),
            IndexModel(
                [
                    ("organization", ASCENDING),
                    ("user_api_key", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="organization_1_user_api_key_1_createdAt_-1__id_-1",
            ),
            IndexModel(
                [
                    ("organization", ASCENDING),
                    ("user_api_key", ASCENDING),
                    ("agent", ASCENDING),
                    ("slot", ASCENDING),
                ],
                name="organization_1_user_api_key_1_agent_1_slot_1",
                unique=True,
                partialFilterExpression={"slot": {"$exists": True}},
            ),
            IndexModel([("organization", ASCENDING), ("agent", ASCENDING)], name="organization_1_agent_1"),
        ]
