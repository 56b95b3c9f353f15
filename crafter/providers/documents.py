"""Providers, as they are stored: one global collection."""

from typing import ClassVar

from pydantic import Field
from pymongo import ASCENDING, IndexModel

from crafter.core.documents import BaseDocument, OmitNone, Stored
from crafter.core.queries import QueryShape

MAX_MODELS = 1_000


class Capabilities(Stored):
    """What a provider's models can be asked for."""

    chat_completion: bool = True
    text_completion: bool = False
    embeddings: bool = False
    function_calling: bool = False


class Provider(BaseDocument):
    """A vendor of models. ``models`` may be used; what was taken out of them stays in ``retired_models``."""

    name: str
    models: list[str] = Field(default_factory=list)
    display_name: OmitNone[str] = None
    api_base_url: OmitNone[str] = Field(None, description="Absent: the well-known address of the name.")
    capabilities: Capabilities = Field(default_factory=Capabilities)
    retired_models: list[str] = Field(default_factory=list)

    query_shapes: ClassVar = (
        QueryShape("all providers", {}, (("name", 1),)),
        QueryShape("the default providers", {"name": {"$in": ["openai", "xai"]}}),
        QueryShape("one provider", {"_id": "p"}),
        QueryShape("a provider by id or name", {"$or": [{"_id": "p"}, {"name": {"$in": ["P", "p"]}}]}),
        QueryShape("several providers", {"_id": {"$in": ["p", "q"]}}),
    )

    class Settings:
        name = "providers"
        indexes = [IndexModel([("name", ASCENDING)], name="name_1", unique=True)]
