"""What is asked: one model of one provider, with one key."""

from dataclasses import dataclass

from crafter.api_keys.documents import ApiKey
from crafter.llm.base import ChatModel


@dataclass(frozen=True, slots=True)
class Target:
    """A model that can be asked; ``model`` is what its provider calls it."""

    provider: str
    model: str
    key: ApiKey
    asked: ChatModel
