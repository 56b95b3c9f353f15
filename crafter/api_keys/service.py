"""Every query and every rule about provider keys."""

from collections.abc import Iterable, Sequence
from typing import Any

from pymongo.errors import DuplicateKeyError

from crafter.api_keys import pipelines, presentation
from crafter.api_keys.documents import ApiKey, ModelUsage, RateLimits
from crafter.api_keys.errors import ApiKeyExists, ApiKeyNotFound, CredentialInactive, CredentialInUse
from crafter.api_keys.limits import limit_reached
from crafter.api_keys.schemas import ApiKeyCreate, ApiKeyRead, ApiKeyUpdate
from crafter.core.errors import CrafterError
from crafter.core.etags import revision_filter, stale
from crafter.core.pagination import CursorPage, CursorSigner
from crafter.core.references import find_dependants
from crafter.core.secrets import Keyring, SecretUnreadable
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now
from crafter.organizations.documents import Organization
from crafter.projects.documents import Project
from crafter.providers import service as provider_service
from crafter.providers.documents import Provider

_NEWEST_FIRST = (("_id", -1),)
_SHOWN_CHARACTERS = 4
_SHORT = 16
_LIMITS = {"rate_limits": 1, "minute": 1, "day": 1}


async def create_key(project: Project, new: ApiKeyCreate, keyring: Keyring) -> ApiKey:
    """Store a secret, encrypted. Raises ProviderNotFound, and ApiKeyExists: the unique index decides."""
    provider = await provider_service.get_provider(new.provider)
    key = ApiKey(
        organization=project.organization,
        project=project.id,
        name=new.name,
        provider=provider.id,
        fingerprint=_fingerprint(project.scope, new.key, keyring),
        last4=new.key[-_SHOWN_CHARACTERS:] if len(new.key) >= _SHORT else None,
        rate_limits=RateLimits(**new.rate_limits.model_dump()) if new.rate_limits else None,
    )
    key.key = keyring.encrypt(new.key, key.place)
    try:
        await ApiKey.within(project.scope).insert(key.to_stored())
    except DuplicateKeyError:
        raise ApiKeyExists from None
    return key


async def get_key(scope: Scope, key_id: str) -> ApiKey:
    """One key of a project. Raises ApiKeyNotFound."""
    raw = await ApiKey.within(scope).find_one({"_id": key_id})
    if raw is None:
        raise ApiKeyNotFound
    return ApiKey.from_stored(raw)


async def find_keys(scope: Scope, key_ids: Iterable[str]) -> dict[str, ApiKey]:
    """Several keys by id, in one query; those that are gone are missing."""
    wanted = list(set(key_ids))
    rows = await ApiKey.within(scope).find({"_id": {"$in": wanted}}, limit=len(wanted)) if wanted else []
    return {row["_id"]: ApiKey.from_stored(row) for row in rows}


async def find_key_among(organizations: Sequence[Organization], key_id: str) -> ApiKey | None:
    """A key in any project of these organizations, or None: those of others are not even looked at."""
    homes = [organization.id for organization in organizations]
    raw = await ApiKey.across_tenants().find_one({"_id": key_id, "organization": {"$in": homes}})
    return ApiKey.from_stored(raw) if raw is not None else None


async def list_keys(scope: Scope, *, limit: int = 1_000) -> list[ApiKey]:
    """The keys of a project, newest first."""
    rows = await ApiKey.within(scope).find({}, sort=_NEWEST_FIRST, limit=limit)
    return [ApiKey.from_stored(row) for row in rows]


async def list_page(scope: Scope, page: CursorPage, cursors: CursorSigner) -> tuple[list[ApiKey], str | None]:
    """A page of a project's keys, newest first, and the cursor of the next one. Raises ValidationFailed."""
    listing = {"list": "apikeys", **scope.as_filter()}
    where: dict[str, Any] = {}
    if page.cursor is not None:
        [last_id] = cursors.open(page.cursor, listing)
        where = {"_id": {"$lt": last_id}}
    rows = await ApiKey.within(scope).find(where, sort=_NEWEST_FIRST, limit=page.limit + 1)
    keys = [ApiKey.from_stored(row) for row in rows[: page.limit]]
    following = cursors.seal([keys[-1].id], listing) if len(rows) > page.limit else None
    return keys, following


async def update_key(key: ApiKey, changes: ApiKeyUpdate, revision: int) -> ApiKey:
    """Rename a key, switch it off or on, limit it. Raises ApiKeyNotFound and StaleWrite."""
    fields = changes.model_dump(exclude_none=True)
    raw = await ApiKey.within(key.scope).change_one(
        {"_id": key.id, **revision_filter(revision)}, {"$set": fields}
    )
    if raw is None:
        raise await _why_not(key.scope, key.id)
    return ApiKey.from_stored(raw)


async def delete_key(key: ApiKey, revision: int | None, *, force: bool) -> None:
    """Delete a key. Raises ApiKeyNotFound, StaleWrite, and, unless forced, CredentialInUse."""
    if not force and (dependants := await find_dependants(key.scope, ApiKey.Settings.name, key.id)):
        raise CredentialInUse(dependants=dependants)
    if not await ApiKey.within(key.scope).delete_one({"_id": key.id, **revision_filter(revision)}):
        raise await _why_not(key.scope, key.id)


async def show_populated(keys: Sequence[ApiKey], *, full_provider: bool) -> list[dict[str, Any]]:
    """Keys as they stand inside agents and projects, ready for JSON and in the same order; one query in all.

    ``full_provider``: with the provider's models and times, otherwise only with its name.
    """
    providers = await _providers_of(keys)
    return [presentation.show_inside(key, providers.get(key.provider), full=full_provider) for key in keys]


async def show_masked(keys: Sequence[ApiKey]) -> list[ApiKeyRead]:
    """Keys on their own, in the same order; one query in all."""
    providers = await _providers_of(keys)
    return [presentation.show_masked(key, providers.get(key.provider)) for key in keys]


async def admit(key: ApiKey) -> None:
    """Count a call that is about to be made with a key, if the key's limits leave room for it.

    Limits and count are one conditional update, so they are exact however many servers count at once. A key that is
    gone meanwhile limits nobody: the call fails for other reasons. Raises CredentialLimited.
    """
    if key.rate_limits is None:
        return
    now = utc_now()
    keys = ApiKey.within(key.scope)
    counted = await keys.change_one(
        {"_id": key.id, **pipelines.has_room(now)}, pipelines.admitted(now), fields=_LIMITS
    )
    if counted is None and (raw := await keys.find_one({"_id": key.id}, fields=_LIMITS)) is not None:
        raise limit_reached(raw, now)


async def record_usage(
    key: ApiKey, model: str, *, input_tokens: int, output_tokens: int, total_tokens: int, cost: float
) -> None:
    """Add a call to what was used with a key, and of the model; nothing happens for a key that is gone.

    The revision stays: these are sums, and nothing that somebody edits.
    """
    now = utc_now()
    if key.rate_limits is not None and total_tokens:
        await ApiKey.within(key.scope).change_one(
            {"_id": key.id}, pipelines.spent(now, total_tokens), fields=_LIMITS
        )
    totals = {
        "usage.total_requests": 1,
        "usage.total_tokens": total_tokens,
        "usage.total_cost": cost,
        "revision": 0,
    }
    used = {"$max": {"usage.last_used_at": now}}
    of_model = {"input_tokens": input_tokens, "output_tokens": output_tokens, "cost": cost}
    counted = {f"usage.usage_by_model.$.{name}": amount for name, amount in of_model.items()}
    there = {"_id": key.id, "usage.usage_by_model.model": model}
    first = {"_id": key.id, "usage.usage_by_model.model": {"$ne": model}}
    entry = ModelUsage.model_validate({"model": model, **of_model}).model_dump(by_alias=True)
    keys = ApiKey.within(key.scope)
    if await keys.update_one(there, {"$inc": totals | counted, **used}):
        return
    if not await keys.update_one(first, {"$inc": totals, **used, "$push": {"usage.usage_by_model": entry}}):
        await keys.update_one(there, {"$inc": totals | counted, **used})  # another was first meanwhile


def open_secret(key: ApiKey, keyring: Keyring) -> str:
    """The secret itself, for the one call that needs it; nothing else answers it.

    Raises CredentialInactive and SecretUnreadable.
    """
    if not key.is_active:
        raise CredentialInactive
    if not key.key:
        raise SecretUnreadable
    return keyring.decrypt(key.key, key.place)


async def _providers_of(keys: Sequence[ApiKey]) -> dict[str, Provider]:
    return await provider_service.find_providers(key.provider for key in keys)


def _fingerprint(scope: Scope, secret: str, keyring: Keyring) -> str:
    return keyring.fingerprint("\0".join((scope.organization, scope.project or "", secret)))


async def _why_not(scope: Scope, key_id: str) -> CrafterError:
    """Why a change did not match: another revision, or gone."""
    raw = await ApiKey.within(scope).find_one({"_id": key_id}, fields={"revision": 1})
    return stale(raw.get("revision", 0)) if raw else ApiKeyNotFound()
