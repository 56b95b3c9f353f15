"""The one way from a stored key to its provider's model, with everything checked that can be before it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from crafter.api_keys.documents import ApiKey
from crafter.api_keys.opening import open_key
from crafter.calling.errors import CapabilityMissing, ModelRetired
from crafter.calling.fallbacks import Fallback, Fallbacks
from crafter.calling.keyed import KeyedModel
from crafter.calling.metered import MeteredModel
from crafter.calling.purposes import Purpose
from crafter.calling.targets import Target
from crafter.core.errors import CrafterError
from crafter.core.runtime import Runtime
from crafter.llm.providers import ChatModels
from crafter.providers import service as provider_service


@dataclass(frozen=True, slots=True)
class Connection:
    """A model, to be asked with a key, or with those that stand in for it; every call is counted."""

    model: MeteredModel

    @property
    def provider(self) -> str:
        """The name of the provider that was asked last, or is asked next."""
        return self.model.target.provider

    @property
    def model_name(self) -> str:
        """The model that was asked last, or is asked next."""
        return self.model.target.model


async def connect(
    key: ApiKey,
    model: str,
    purpose: Purpose,
    runtime: Runtime,
    models: ChatModels,
    fallbacks: Sequence[Fallback] = (),
) -> Connection:
    """Make ready to ask a model with a key; nothing is sent yet. Fallbacks are reached only where they are needed.

    Raises what NOT_USABLE of the keys lists, ProviderNotFound, CapabilityMissing, ModelRetired and EgressRefused.
    """

    async def reach(key: ApiKey, model: str) -> Target:
        return await _target_of(key, model, runtime, models)

    left = Fallbacks(key.scope, fallbacks, reach)
    try:
        target = await reach(key, model)
    except CrafterError as error:
        target = await left.after(error)
    return Connection(MeteredModel(target, left, purpose, runtime))


async def _target_of(key: ApiKey, model: str, runtime: Runtime, models: ChatModels) -> Target:
    provider = await provider_service.get_provider(key.provider)
    if not provider.capabilities.chat_completion:
        raise CapabilityMissing(f"{provider.name} has no models to chat with.", capability="chat_completion")
    if model in provider.retired_models:
        raise ModelRetired(f"The model {model} is no longer offered by {provider.name}.")
    base_url = provider_service.base_url(provider, runtime.settings)
    opened = await open_key(key, base_url, runtime)
    current = await models.chat_model(provider.name, opened.secret, base_url=base_url)
    earlier = None
    if opened.earlier is not None:
        earlier = await models.chat_model(provider.name, opened.earlier, base_url=base_url)
    asked = KeyedModel(key, current, opened, earlier)
    return Target(provider.name, model, key, asked)
