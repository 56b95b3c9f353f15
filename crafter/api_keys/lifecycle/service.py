"""Every rule about how a provider key changes its secret, becomes the default one, and ends."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from crafter.api_keys import opening, sealing
from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey, EarlierSecret, StorageKind
from crafter.api_keys.entering import entered
from crafter.api_keys.errors import CredentialUnusable, SecretInUse
from crafter.api_keys.schemas import ApiKeyRotate
from crafter.api_keys.service import NOT_REVOKED, named
from crafter.core.database import in_transaction
from crafter.core.etags import revision_filter
from crafter.core.runtime import Runtime
from crafter.core.secrets import SecretUnreadable
from crafter.core.time import utc_now
from crafter.providers import service as provider_service

WARNED_BEFORE = timedelta(days=7)
_AT_ONCE = 500

log = structlog.get_logger("crafter.credentials")


async def rotate_key(key: ApiKey, new: ApiKeyRotate, revision: int | None, runtime: Runtime) -> ApiKey:
    """Give a key another secret; of two who do so at once, one is refused.

    Raises ApiKeyNotFound, ProviderNotFound, StorageRefused, SecretInUse (the unique index decides), CredentialRevoked
    and StaleWrite.
    """
    provider = await provider_service.get_provider(key.provider)
    fields = entered(key, new, provider, runtime)
    if new.grace_seconds and (before := await _replaced_secret(key, fields, runtime)) is not None:
        until = utc_now() + timedelta(seconds=new.grace_seconds)
        earlier = sealing.sealed(before, key.earlier_place, runtime.keyring)
        fields["earlier"] = EarlierSecret(key=earlier, until=until).model_dump()
        fields["fingerprints"].append(sealing.fingerprint(key.scope, before, runtime.keyring))
    gone = {"earlier", "erased_at", "last_failure", *fields} - {n for n, v in fields.items() if v is not None}
    change = {
        "$set": {name: fields[name] for name in fields if name not in gone} | {"rotated_at": utc_now()},
        "$unset": dict.fromkeys(gone, ""),
    }
    where = {"_id": key.id, "key": key.key or None, **NOT_REVOKED, **revision_filter(revision)}
    try:
        raw = await ApiKey.within(key.scope).change_one(where, change)
    except DuplicateKeyError:
        raise SecretInUse from None
    if raw is None:
        raise await api_key_service.why_not(key.scope, key.id)
    log.info("credential_rotated", **named(key), grace_seconds=new.grace_seconds)
    return ApiKey.from_stored(raw)


async def revoke_key(key: ApiKey, runtime: Runtime) -> ApiKey:
    """End a key and erase its secrets; once more changes nothing. Raises ApiKeyNotFound."""
    now = utc_now()
    change = _without_secrets(key, now, runtime)
    change["$set"] |= {"is_active": False, "revoked_at": now}
    change["$unset"]["is_default"] = ""
    raw = await ApiKey.within(key.scope).change_one({"_id": key.id, **NOT_REVOKED}, change)
    if raw is None:
        return await api_key_service.get_key(key.scope, key.id)
    log.info("credential_revoked", **named(key))
    return ApiKey.from_stored(raw)


async def set_default(key: ApiKey) -> ApiKey:
    """Make a key its provider's default one in the project. Raises ApiKeyNotFound and CredentialRevoked.

    The unique index lets there be one at the most, and the transaction leaves no moment without any.
    """
    keys = ApiKey.within(key.scope)

    async def work(session: AsyncClientSession) -> Mapping[str, Any] | None:
        others = {"provider": key.provider, "is_default": True, "_id": {"$ne": key.id}}
        here = {"_id": key.id, **NOT_REVOKED}
        await keys.update_one(others, {"$unset": {"is_default": ""}}, session=session)
        return await keys.change_one(here, {"$set": {"is_default": True}}, session=session)

    raw = await in_transaction(work)
    if raw is None:
        raise await api_key_service.why_not(key.scope, key.id)
    log.info("credential_made_default", **named(key))
    return ApiKey.from_stored(raw)


async def warn_before_expiry(now: datetime) -> int:
    """Warn of each key that expires within a week, once; answers of how many."""
    due = {"expires_at": {"$gt": now, "$lte": now + WARNED_BEFORE}, "expiry_warned_at": None}
    count = 0
    for key in await _found(due, "expires_at"):
        change = {"$set": {"expiry_warned_at": now}, "$inc": {"revision": 0}}
        if await ApiKey.within(key.scope).update_one({"_id": key.id, **due}, change):
            log.warning("credential_expiring", **named(key), expires_at=key.expires_at)
            count += 1
    return count


async def erase_expired(now: datetime, runtime: Runtime) -> int:
    """Erase the secrets of keys that expired long ago; the rows stay. Answers how many there were."""
    kept = timedelta(days=runtime.settings.credential_retention_days)
    due = {"expires_at": {"$lte": now - kept}, "erased_at": None}
    count = 0
    for key in await _found(due, "expires_at"):
        change = _without_secrets(key, now, runtime)
        count += await ApiKey.within(key.scope).update_one({"_id": key.id, **due}, change)
    return count


async def end_grace(now: datetime) -> int:
    """Erase the secrets that were replaced, once nobody may use them any more; answers how many."""
    due = {"earlier.until": {"$lte": now}}
    count = 0
    for key in await _found(due, "earlier.until"):
        change = {"$unset": {"earlier": ""}, "$pop": {"fingerprints": 1}, "$inc": {"revision": 0}}
        count += await ApiKey.within(key.scope).update_one({"_id": key.id, **due}, change)
    return count


async def _found(due: Mapping[str, Any], by: str) -> list[ApiKey]:
    cursor = ApiKey.across_tenants().find(due, sort=[(by, 1)], limit=_AT_ONCE)
    return [ApiKey.from_stored(raw) async for raw in cursor]


async def _replaced_secret(key: ApiKey, fields: Mapping[str, Any], runtime: Runtime) -> str | None:
    """The secret that is replaced, if it may go on being used for a while; one kept elsewhere is not ours to keep."""
    if key.kept_in is not StorageKind.database or key.bound_host not in (None, fields["bound_host"]):
        return None
    try:
        before = await opening.read_secret(key, runtime)
    except (SecretUnreadable, CredentialUnusable):
        return None
    return (
        None if sealing.fingerprint(key.scope, before, runtime.keyring) in fields["fingerprints"] else before
    )


def _without_secrets(key: ApiKey, now: datetime, runtime: Runtime) -> dict[str, dict[str, Any]]:
    """A change that erases all secrets of a key; its fingerprints stay, so that the secret does not come back."""
    nothing = sealing.sealed_nothing(key.place, runtime.keyring)
    return {"$set": {"key": nothing, "erased_at": now}, "$unset": {"earlier": ""}}
