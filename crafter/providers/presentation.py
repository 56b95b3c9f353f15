"""How providers are answered: with the name and the address that hold when nothing else is stored."""

from crafter.core.config import Settings
from crafter.providers import service as provider_service
from crafter.providers.catalogue import DISPLAY_NAMES
from crafter.providers.documents import Provider
from crafter.providers.schemas import CapabilitiesRead, ProviderRead


def show(provider: Provider, settings: Settings) -> ProviderRead:
    """A provider as everybody sees it."""
    return ProviderRead(
        stored_id=provider.id,
        created_at=provider.created_at,
        updated_at=provider.updated_at,
        version_key=provider.version_key,
        name=provider.name,
        models=provider.models,
        display_name=provider.display_name or DISPLAY_NAMES.get(provider.name, provider.name),
        api_base_url=provider_service.base_url(provider, settings),
        capabilities=CapabilitiesRead(**provider.capabilities.model_dump()),
    )
