"""From what a caller says of a secret to what is stored of it."""

from typing import Any, Protocol

from crafter.api_keys import sealing, storage
from crafter.api_keys.documents import ApiKey, SecretStorage
from crafter.api_keys.schemas import StorageInput
from crafter.core.egress import origin_of
from crafter.core.runtime import Runtime
from crafter.providers import service as provider_service
from crafter.providers.documents import Provider


class Entered(Protocol):
    """A secret, or where it is kept: just one of the two."""

    key: str | None
    storage: StorageInput | None


def entered(key: ApiKey, said: Entered, provider: Provider, runtime: Runtime) -> dict[str, Any]:
    """The fields of a key that hold its secret, for the provider's address as it is now; None: there is none.

    The same place elsewhere counts as the same secret. Raises StorageRefused, and EgressRefused where the address of
    the provider is none.
    """
    kept = said.storage.kept() if said.storage is not None else None
    if kept is None:
        assert said.key is not None
        text, ciphertext = said.key, sealing.sealed(said.key, key.place, runtime.keyring)
    else:
        storage.require_allowed(kept, key.organization, runtime.settings)
        text, ciphertext = _named(kept), sealing.sealed_nothing(key.place, runtime.keyring)
    return {
        "key": ciphertext,
        "storage": kept.model_dump() if kept is not None else None,
        "fingerprints": [sealing.fingerprint(key.scope, text, runtime.keyring)],
        "last4": sealing.shown_end(text) if kept is None else None,
        "bound_host": host_of(provider, runtime),
    }


def host_of(provider: Provider, runtime: Runtime) -> str:
    """The scheme, host and port at which the provider is called now. Raises EgressRefused."""
    return origin_of(provider_service.base_url(provider, runtime.settings))


def _named(kept: SecretStorage) -> str:
    return f"{kept.kind}\0{kept.reference}"
