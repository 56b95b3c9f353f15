"""How platform keys are answered."""

from collections.abc import Mapping
from datetime import datetime

from crafter.user_api_keys.documents import KeyUsage, UserApiKey
from crafter.user_api_keys.schemas import (
    ProjectName,
    RestrictionsRead,
    UsageRead,
    UserApiKeyCreated,
    UserApiKeyRead,
    UserApiKeyRotated,
    UserApiKeyUsage,
)
from crafter.user_api_keys.service import IssuedKey


def show(key: UserApiKey, now: datetime, project_names: Mapping[str, str] | None = None) -> UserApiKeyRead:
    """A key; with ``project_names`` its projects are named, and those without a name left out."""
    stored = key.to_stored()
    stored["usage"] = _usage(key.usage, now)
    if project_names is not None:
        stored["allowed_projects"] = [
            ProjectName(stored_id=project, name=project_names[project])
            for project in key.allowed_projects
            if project in project_names
        ]
    return UserApiKeyRead.from_stored(stored)


def show_new(issued: IssuedKey) -> UserApiKeyCreated:
    """A key that was just made, with its value."""
    key = issued.key
    return UserApiKeyCreated(
        id=key.id,
        name=key.name,
        api_key=issued.value,
        scopes=key.scopes,
        restrictions=_restrictions(key),
        expires_at=key.expires_at,
        allowed_projects=key.allowed_projects,
        created_at=key.created_at,
    )


def show_rotated(issued: IssuedKey) -> UserApiKeyRotated:
    """A key that was just rotated, with its new value."""
    key = issued.key
    return UserApiKeyRotated(
        id=key.id, name=key.name, api_key=issued.value, rotated_at=key.last_rotated_at or key.updated_at
    )


def show_usage(key: UserApiKey, now: datetime) -> UserApiKeyUsage:
    """How often a key was used, and what is left of today's limit."""
    usage = _usage(key.usage, now)
    limit = key.restrictions.max_executions_per_day
    left = None if limit is None else max(limit - usage.executions_today, 0)
    return UserApiKeyUsage(
        api_key_id=key.id,
        name=key.name,
        usage=usage,
        restrictions=_restrictions(key),
        daily_limit_remaining=left,
        is_within_daily_limit=left is None or left > 0,
    )


def _usage(usage: KeyUsage, now: datetime) -> UsageRead:
    return UsageRead.model_validate(usage.as_of(now).model_dump())


def _restrictions(key: UserApiKey) -> RestrictionsRead:
    return RestrictionsRead.model_validate(key.restrictions.model_dump())
