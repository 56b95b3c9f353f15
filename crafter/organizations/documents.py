"""Organizations, as they are stored: members are embedded."""

from typing import ClassVar

from pydantic import Field
from pymongo import ASCENDING, IndexModel

from crafter.core.documents import BaseDocument, OmitNone, Stored, StoredElement
from crafter.core.ids import EntityId
from crafter.core.queries import QueryShape
from crafter.organizations.permissions import Role

MAX_MEMBERS = 1_000

DEFAULT_MIME_TYPES = (
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "application/pdf",
    "audio/ogg",
    "audio/mpeg",
    "video/mp4",
)


class Member(StoredElement):
    """One person's place in an organization."""

    user: EntityId
    role: Role = Role.member


class StorageCredentials(Stored):
    """Where uploaded media goes. The two keys are stored encrypted."""

    access_key_id: OmitNone[str] = None
    secret_access_key: OmitNone[str] = None
    region: str = "us-east-1"
    bucket: OmitNone[str] = None
    endpoint: OmitNone[str] = None


class MediaStorage(Stored):
    """An organization's storage for uploads."""

    enabled: bool = False
    credentials: StorageCredentials = Field(default_factory=StorageCredentials)
    base_path: str = ""
    max_file_size_mb: int = 10
    allowed_mime_types: list[str] = Field(default_factory=lambda: list(DEFAULT_MIME_TYPES))


class Organization(BaseDocument):
    """A tenant. Always at least one admin; the owner is one of them; each person is a member at most once."""

    name: str
    description: OmitNone[str] = None
    owner: EntityId
    members: list[Member] = Field(default_factory=list)
    media_storage: MediaStorage = Field(default_factory=MediaStorage)

    query_shapes: ClassVar = (
        QueryShape("one's organizations", {"members.user": "u"}, (("_id", 1),), rules=("12.53",)),
        QueryShape("organizations that somebody owns", {"owner": "u"}, rules=("12.52",)),
        QueryShape("access check", {"_id": "o", "members": {"$elemMatch": {"user": "u"}}}),
    )

    class Settings:
        name = "organizations"
        indexes = [
            IndexModel([("members.user", ASCENDING), ("_id", ASCENDING)], name="members.user_1__id_1"),
            IndexModel([("owner", ASCENDING)], name="owner_1"),
        ]
