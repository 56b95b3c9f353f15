"""From the provider in the path to the document."""

from typing import Annotated

from fastapi import Depends

from crafter.core.ids import EntityId
from crafter.providers import service as provider_service
from crafter.providers.documents import Provider


async def get_provider(provider_id: EntityId) -> Provider:
    """Providers belong to everybody: the id is enough."""
    return await provider_service.get_provider(provider_id)


CurrentProvider = Annotated[Provider, Depends(get_provider)]
