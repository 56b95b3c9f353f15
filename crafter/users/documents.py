"""People, as they are stored."""

from typing import Any, ClassVar

from pydantic import Field
from pymongo import ASCENDING, IndexModel

from crafter.core.documents import BaseDocument, Moment, OmitNone
from crafter.core.queries import QueryShape

OAUTH_PROVIDERS = ("google", "github")
"""Whom an account can be linked to; also the keys of ``oauth``."""


class User(BaseDocument):
    """A person with an account. ``email`` is the canonical address, and decides which account is meant."""

    email: str
    password: OmitNone[str] = Field(None, description="bcrypt; absent for accounts that only use OAuth.")
    name: str
    password_strength: str = Field("weak", alias="passwordStrength")
    oauth: dict[str, Any] = Field(default_factory=dict)
    email_verified: bool = Field(False, alias="emailVerified")
    avatar: OmitNone[str] = None
    tokens_valid_after: OmitNone[Moment] = Field(
        None, description="Tokens that were issued before are not good any more."
    )

    query_shapes: ClassVar = (
        QueryShape("login and invitations", {"email": "a@example.com"}, rules=("12.51",)),
        QueryShape("people by id", {"_id": {"$in": ["0199f3a4-7c1e-7b52-9a53-0c1f4f0f2d11"]}}),
    )

    class Settings:
        name = "users"
        indexes = [IndexModel([("email", ASCENDING)], name="email_1", unique=True)]

    def connected_providers(self) -> list[str]:
        """The OAuth providers that the account is really linked to (Node stores empty shells for all others)."""
        links = {name: self.oauth.get(name) for name in OAUTH_PROVIDERS}
        return [name for name, link in links.items() if isinstance(link, dict) and link.get("id")]
