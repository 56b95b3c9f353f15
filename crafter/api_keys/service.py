"""Every query and every rule about provider keys."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import structlog
from pymongo.errors import DuplicateKeyError

from crafter.api_keys import pipelines, presentation
from crafter.api_keys.documents import ApiKey, KeyFailure, ModelUsage, RateLimits
from crafter.api_keys.entering import entered
from crafter.api_keys.errors import (
    ApiKeyExists,
    ApiKeyNotFound,
    CredentialExpired,
    CredentialInUse,
    CredentialRevoked,
    CredentialUnusable,
)
from crafter.api_keys.limits import limit_reached
from crafter.api_keys.schemas import ApiKeyCreate, ApiKeyRead, ApiKeyUpdate
from crafter.core.errors import CrafterError
from crafter.core.etags import revision_filter, stale
from crafter.core.pagination import CursorPage, CursorSigner
from crafter.core.references import find_dependants
from crafter.core.runtime import Runtime
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now
from crafter.organizations.documents import Organization
from crafter.projects.documents import Project
from crafter.providers import service as provider_service
from crafter.providers.documents import Provider

NOT_REVOKED = {"revoked_at": None}
_NEWEST_FIRST = (("_id", -1),)
_LIMITS = {"rate_limits": 1, "minute": 1, "day": 1}

log = structlog.get_logger("crafter.credentials")


def named(key: ApiKey) -> dict[str, str]:
    """What the log calls a key by."""
    return {"id": key.id, "organization": key.organization, "project": key.project}


async def create_key(project: Project, new: ApiKeyCreate, runtime: Runtime) -> ApiKey:
    """Store a secret, encrypted, or where it is kept.

    Raises ProviderNotFound, StorageRefused, and ApiKeyExists: the unique index decides.
    """
    provider = await provider_service.get_by_id_or_name(new.provider)
    key = ApiKey(
        organization=project.organization,
        project=project.id,
        name=new.name,
        provider=provider.id,
        rate_limits=RateLimits(**new.rate_limits.model_dump()) if new.rate_limits else None,
        expires_at=new.expires_at,
    )
    secret = {
        name: value for name, value in entered(key, new, provider, runtime).items() if value is not None
    }
    stored = key.to_stored() | secret
    try:
        await ApiKey.within(project.scope).insert(stored)
    except DuplicateKeyError:
        raise ApiKeyExists from None
    log.info("credential_created", **named(key), provider=provider.name)
    return ApiKey.from_stored(stored)


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


async def list_page(
    scope: Scope, page: CursorPage, cursors: CursorSigner, expiring_before: datetime | None = None
) -> tuple[list[ApiKey], str | None]:
    """A page of the keys of a project or of an organization, newest first, and the cursor of the next one.

    ``expiring_before``: those that expire before then, or have. Raises ValidationFailed.
    """
    listing: dict[str, Any] = {"list": "apikeys", **scope.as_filter()}
    where: dict[str, Any] = {}
    if expiring_before is not None:
        where["expires_at"] = {"$lt": expiring_before}
        listing["expiring_before"] = expiring_before
    if page.cursor is not None:
        [last_id] = cursors.open(page.cursor, listing)
        where["_id"] = {"$lt": last_id}
    rows = await ApiKey.within(scope).find(where, sort=_NEWEST_FIRST, limit=page.limit + 1)
    keys = [ApiKey.from_stored(row) for row in rows[: page.limit]]
    following = cursors.seal([keys[-1].id], listing) if len(rows) > page.limit else None
    return keys, following


async def usable_key(scope: Scope, provider: Provider) -> ApiKey:
    """The key to call a provider with where none is named: the default one, or else the newest that may be used.

    Keys that are switched off, revoked or expired are passed over. Raises CredentialUnusable when none is left.
    """
    usable = {"provider": provider.id, **_usable()}
    keys = ApiKey.within(scope)
    raw = await keys.find_one({**usable, "is_default": True}) or await keys.find_one(
        usable, sort=_NEWEST_FIRST
    )
    if raw is None:
        raise CredentialUnusable(
            "none",
            f"This project has no API key for {provider.name} that may be used. Store one, or activate it.",
        )
    return ApiKey.from_stored(raw)


async def list_usable(scope: Scope, *, limit: int = 1_000) -> list[ApiKey]:
    """The keys of a project that may be used: the default ones first, then the newest."""
    rows = await ApiKey.within(scope).find(_usable(), sort=_NEWEST_FIRST, limit=limit)
    return sorted(map(ApiKey.from_stored, rows), key=lambda key: not key.is_default)


async def update_key(key: ApiKey, changes: ApiKeyUpdate, revision: int) -> ApiKey:
    """Rename a key, switch it off or on, limit it. Raises ApiKeyNotFound, CredentialRevoked and StaleWrite."""
    fields = changes.model_dump(exclude_none=True)
    change: dict[str, dict[str, Any]] = {"$set": fields}
    if "expires_at" in changes.model_fields_set:  # another expiry, another warning
        change["$unset"] = {"expiry_warned_at": ""} | ({} if changes.expires_at else {"expires_at": ""})
    raw = await ApiKey.within(key.scope).change_one(
        {"_id": key.id, **NOT_REVOKED, **revision_filter(revision)}, change
    )
    if raw is None:
        raise await why_not(key.scope, key.id)
    log.info("credential_changed", **named(key), fields=sorted(changes.model_fields_set))
    return ApiKey.from_stored(raw)


async def delete_key(key: ApiKey, revision: int | None, *, force: bool) -> None:
    """Delete a key. Raises ApiKeyNotFound, StaleWrite, and, unless forced, CredentialInUse."""
    if not force and (dependants := await find_dependants(key.scope, ApiKey.Settings.name, key.id)):
        raise CredentialInUse(dependants=dependants)
    if not await ApiKey.within(key.scope).delete_one({"_id": key.id, **revision_filter(revision)}):
        raise await why_not(key.scope, key.id)
    log.info("credential_deleted", **named(key))


async def show_populated(keys: Sequence[ApiKey], *, full_provider: bool) -> list[dict[str, Any]]:
    """Keys as they stand inside agents and projects, ready for JSON and in the same order; one query in all.

    ``full_provider``: with the provider's models and times, otherwise only with its name.
    """
    providers = await _providers_of(keys)
    return [presentation.show_inside(key, providers.get(key.provider), full=full_provider) for key in keys]


async def show_masked(keys: Sequence[ApiKey], *, references: bool) -> list[ApiKeyRead]:
    """Keys on their own, in the same order; one query in all. ``references``: with the variable or the file."""
    providers = await _providers_of(keys)
    return [presentation.show_masked(key, providers.get(key.provider), references=references) for key in keys]


async def admit(key: ApiKey) -> None:
    """Count a call that is about to be made with a key, if the key's limits leave room for it.

    Limits and count are one conditional update, so they are exact however many servers count at once. A key that is
    gone meanwhile limits nobody: the call fails for other reasons. Raises CredentialLimited and CredentialExpired.
    """
    now = utc_now()
    if key.expired(now):
        raise CredentialExpired
    if key.rate_limits is None:
        return
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


async def bind_host(key: ApiKey, host: str) -> str:
    """Bind a key to the first host that it is used for; answers to which it is bound. Raises ApiKeyNotFound."""
    keys, fields = ApiKey.within(key.scope), {"bound_host": 1}
    change = {"$set": {"bound_host": host}, "$inc": {"revision": 0}}
    raw = await keys.change_one({"_id": key.id, "bound_host": None}, change, fields=fields)
    raw = raw or await keys.find_one({"_id": key.id}, fields=fields)
    if raw is None:
        raise ApiKeyNotFound
    return str(raw["bound_host"])


async def note_failure(key: ApiKey, code: str) -> None:
    """Note that the key itself was the reason why a call failed; the revision stays."""
    failure = KeyFailure(at=utc_now(), code=code).model_dump()
    await ApiKey.within(key.scope).update_one(
        {"_id": key.id}, {"$set": {"last_failure": failure}, "$inc": {"revision": 0}}
    )
    log.warning("credential_failed", **named(key), code=code)


async def why_not(scope: Scope, key_id: str) -> CrafterError:
    """Why a change did not match: gone, revoked, or another revision."""
    raw = await ApiKey.within(scope).find_one({"_id": key_id}, fields={"revision": 1, "revoked_at": 1})
    if raw is None:
        return ApiKeyNotFound()
    return CredentialRevoked() if raw.get("revoked_at") else stale(raw.get("revision", 0))


def _usable() -> dict[str, Any]:
    """The part of a query that passes over keys that are switched off, revoked or expired."""
    return {
        "is_active": {"$ne": False},
        **NOT_REVOKED,
        "$or": [{"expires_at": None}, {"expires_at": {"$gt": utc_now()}}],
    }


async def _providers_of(keys: Sequence[ApiKey]) -> dict[str, Provider]:
    return await provider_service.find_providers(key.provider for key in keys)
