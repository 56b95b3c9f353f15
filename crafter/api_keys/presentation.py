"""How provider keys are answered: with their provider filled in and their usage summed up, and no secret."""

from typing import Any

from crafter.api_keys.documents import ApiKey, StorageKind, Usage
from crafter.api_keys.schemas import (
    ApiKeyCreated,
    ApiKeyRead,
    ApiKeyShown,
    KeyProvider,
    ModelUsageRead,
    StorageRead,
    UsageRead,
)
from crafter.providers.documents import Provider


def show_created(key: ApiKey) -> ApiKeyCreated:
    """A key that was just made."""
    return ApiKeyCreated(
        id=key.id, name=key.name, provider=key.provider, project=key.project, created_at=key.created_at
    )


def show_inside(key: ApiKey, provider: Provider | None, *, full: bool) -> dict[str, Any]:
    """A key as it stands inside an agent or a project, ready for JSON; ``full``: its provider as well."""
    return ApiKeyShown(**_fields(key, provider, full=full)).model_dump(mode="json")


def show_masked(key: ApiKey, provider: Provider | None, *, references: bool) -> ApiKeyRead:
    """A key on its own, recognizable by the end of its secret; ``references``: with the variable or the file."""
    return ApiKeyRead(
        **_fields(key, provider, full=True),
        masked_key=f"…{key.last4 or ''}",
        storage=show_storage(key, references=references),
        is_default=bool(key.is_default),
        expires_at=key.expires_at,
        rotated_at=key.rotated_at,
        grace_until=key.earlier.until if key.earlier else None,
        revoked_at=key.revoked_at,
    )


def show_storage(key: ApiKey, *, references: bool) -> StorageRead:
    """Where a key's secret is kept."""
    if key.storage is None or not references:
        return StorageRead(kind=key.kept_in)
    if key.storage.kind is StorageKind.environment:
        return StorageRead(kind=key.storage.kind, name=key.storage.reference)
    return StorageRead(kind=key.storage.kind, path=key.storage.reference)


def _fields(key: ApiKey, provider: Provider | None, *, full: bool) -> dict[str, Any]:
    return {
        "stored_id": key.id,
        "created_at": key.created_at,
        "updated_at": key.updated_at,
        "version_key": key.version_key,
        "name": key.name,
        "provider": _provider(key.provider, provider, full=full),
        "project": key.project,
        "is_active": key.is_active,
        "usage": _summed(key.usage),
        "rate_limits": key.rate_limits.model_dump() if key.rate_limits else None,
    }


def _provider(provider_id: str, provider: Provider | None, *, full: bool) -> KeyProvider:
    if provider is None:
        return KeyProvider(stored_id=provider_id, name="", models=[] if full else None)
    if not full:
        return KeyProvider(stored_id=provider.id, name=provider.name)
    return KeyProvider(
        stored_id=provider.id,
        name=provider.name,
        models=provider.models,
        created_at=provider.created_at,
        updated_at=provider.updated_at,
        version_key=provider.version_key,
    )


def _summed(usage: Usage) -> UsageRead:
    """One entry for each model: LLM Crafter stores one for each execution."""
    by_model: dict[str, ModelUsageRead] = {}
    for entry in usage.usage_by_model:
        fresh = ModelUsageRead(
            model=entry.model, input_tokens=0, output_tokens=0, cost=0, stored_id=str(entry.id)
        )
        total = by_model.setdefault(entry.model, fresh)
        total.input_tokens += entry.input_tokens
        total.output_tokens += entry.output_tokens
        total.cost += entry.cost
    return UsageRead(
        total_requests=usage.total_requests,
        last_used_at=usage.last_used_at,
        total_tokens=usage.total_tokens,
        total_cost=usage.total_cost,
        usage_by_model=list(by_model.values()),
    )
