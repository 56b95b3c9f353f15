"""What clients are told of models, and where the answers' own shapes are described."""

from typing import Literal

from crafter.core.schemas import ResponseBody


class ModelRead(ResponseBody):
    """Something that can be asked; ``created`` is in seconds since 1970."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(ResponseBody):
    """Everything that can be asked with the key in the project."""

    object: Literal["list"] = "list"
    data: list[ModelRead]
