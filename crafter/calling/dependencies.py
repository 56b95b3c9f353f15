"""What a route needs to ask a model."""

from typing import Annotated

from fastapi import Depends, Request

from crafter.llm.providers import ChatModels


async def get_models(request: Request) -> ChatModels:
    """The process's connections to model vendors."""
    models = request.app.state.models
    assert isinstance(models, ChatModels)
    return models


CurrentModels = Annotated[ChatModels, Depends(get_models)]
