"""Logins that have come back from a provider, as they are stored: each may come back once."""

from typing import ClassVar

from pymongo import ASCENDING, IndexModel

from crafter.core.documents import BaseDocument, Moment
from crafter.core.queries import QueryShape


class UsedTicket(BaseDocument):
    """A login that has come back; ``_id`` is the hash of its state. MongoDB removes it when the ticket expires."""

    expires_at: Moment

    query_shapes: ClassVar = (QueryShape("a login comes back", {"_id": "5feceb66ffc86f38d952786c6d696c79"}),)

    class Settings:
        name = "oauth_used_tickets"
        indexes = [IndexModel([("expires_at", ASCENDING)], name="expires_at_1", expireAfterSeconds=0)]
