"""The one way from a stored key to its provider's model, with everything checked that can be before it is asked."""

from dataclasses import dataclass

from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.calling.errors import CapabilityMissing, ModelRetired
from crafter.calling.metered import MeteredModel
from crafter.calling.purposes import Purpose
from crafter.calling.targets import Target
from crafter.core.runtime import Runtime
from crafter.llm.providers import ChatModels
from crafter.providers import service as provider_service


@dataclass(frozen=True, slots=True)
class Connection:
    """A provider by its name, and its models, to be asked with one key; every call is counted."""

    provider: str
    model: MeteredModel


async def connect(
    key: ApiKey, model: str, purpose: Purpose, runtime: Runtime, models: ChatModels
) -> Connection:
    """Make ready to ask a model with a key; nothing is sent yet.

    Raises CredentialInactive, SecretUnreadable, ProviderNotFound, CapabilityMissing and ModelRetired.
    """
    secret = api_key_service.open_secret(key, runtime.keyring)
    provider = await provider_service.get_provider(key.provider)
    if not provider.capabilities.chat_completion:
        raise CapabilityMissing(f"{provider.name} has no models to chat with.", capability="chat_completion")
    if model in provider.retired_models:
        raise ModelRetired(f"The model {model} is no longer offered by {provider.name}.")
    base_url = provider_service.base_url(provider, runtime.settings)
    asked = await models.chat_model(provider.name, secret, base_url=base_url)
    target = Target(provider.name, model, key, asked)
    return Connection(provider.name, MeteredModel(target, purpose, runtime))
