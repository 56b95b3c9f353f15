"""From a stored key to its secret: if the key may be used, and only for the host for which it was entered."""

from dataclasses import dataclass, field
from datetime import datetime

import structlog

from crafter.api_keys import sealing, storage
from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.api_keys.errors import (
    CredentialExpired,
    CredentialHostChanged,
    CredentialInactive,
    CredentialRevoked,
    CredentialUnusable,
)
from crafter.core.egress import origin_of
from crafter.core.runtime import Runtime
from crafter.core.secrets import SecretUnreadable
from crafter.core.time import utc_now

log = structlog.get_logger("crafter.credentials")


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """The secret, and until ``earlier_until`` the one before, if it was replaced just now."""

    secret: str = field(repr=False)
    earlier: str | None = field(default=None, repr=False)
    earlier_until: datetime | None = None


async def open_key(key: ApiKey, base_url: str, runtime: Runtime) -> OpenedKey:
    """The secret, for calls to this address and no others.

    Raises what NOT_USABLE lists, and EgressRefused where the address is none.
    """
    require_usable(key, utc_now())
    try:
        await _require_host(key, origin_of(base_url))
        secret = await read_secret(key, runtime)
    except (CredentialHostChanged, CredentialUnusable, SecretUnreadable) as unusable:
        await api_key_service.note_failure(key, unusable.code)
        raise
    earlier = key.earlier
    if earlier is None or earlier.until <= utc_now():
        return OpenedKey(secret)
    try:
        before = sealing.opened(earlier.key, key.earlier_place, runtime.keyring)
    except SecretUnreadable:
        return OpenedKey(secret)
    return OpenedKey(secret, before, earlier.until)


def require_usable(key: ApiKey, now: datetime) -> None:
    """Raises CredentialRevoked, CredentialInactive and CredentialExpired."""
    if key.revoked_at is not None:
        raise CredentialRevoked
    if not key.is_active:
        raise CredentialInactive
    if key.expired(now):
        raise CredentialExpired


async def read_secret(key: ApiKey, runtime: Runtime) -> str:
    """The secret, from where it is kept. Raises CredentialUnusable and SecretUnreadable."""
    if key.erased_at is not None:
        raise CredentialUnusable("erased")
    if key.storage is not None:
        return await storage.read(key.storage, key.organization, runtime.settings)
    return sealing.opened(key.key, key.place, runtime.keyring)


async def _require_host(key: ApiKey, host: str) -> None:
    """A key without a host, which the Node server has stored, is bound to the first that it is used for."""
    bound = key.bound_host or await api_key_service.bind_host(key, host)
    if bound != host:
        log.warning("credential_host_changed", **api_key_service.named(key), bound_host=bound, host=host)
        raise CredentialHostChanged
