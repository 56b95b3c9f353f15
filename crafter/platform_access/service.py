"""The checks that a platform key passes, in the contract's order; whoever is refused is not counted."""

from dataclasses import dataclass
from datetime import datetime

from crafter.core.security import is_key
from crafter.organizations import service as organization_service
from crafter.organizations.errors import NotAMember, ProjectAccessDenied
from crafter.organizations.permissions import Permission, scopes_for
from crafter.organizations.service import Access, KeyGrant
from crafter.platform_access.errors import (
    ApiKeyExpired,
    ApiKeyRequired,
    DailyLimitReached,
    InvalidApiKey,
    KeyRateExceeded,
    OrganizationAccessDenied,
    ScopeMissing,
)
from crafter.projects import service as project_service
from crafter.projects.documents import Project
from crafter.projects.errors import ProjectNotFound
from crafter.user_api_keys import service as key_service
from crafter.user_api_keys.documents import UserApiKey
from crafter.users import service as user_service
from crafter.users.errors import AccountGone

_MINUTE = 60


@dataclass(slots=True)
class Entry:
    """A platform key that has got in: the key as it is stored, what it may do, and the project of the path."""

    key: UserApiKey
    access: Access
    project: Project | None = None


async def identify(value: str | None, now: datetime) -> Entry:
    """Whose key this is. Raises ApiKeyRequired, InvalidApiKey and ApiKeyExpired."""
    if value is None:
        raise ApiKeyRequired
    key = await key_service.find_active_by_value(value) if is_key(value) else None
    if key is None:
        raise InvalidApiKey
    if has_expired(key, now):
        raise ApiKeyExpired
    return Entry(key, await get_access(key))


def has_expired(key: UserApiKey, now: datetime) -> bool:
    """Whether the key's time is over."""
    return key.expires_at is not None and key.expires_at <= now


async def get_access(key: UserApiKey) -> Access:
    """What the key may do, which ends with the membership of the person whose it is. Raises InvalidApiKey."""
    grant = KeyGrant(key.id, frozenset(key.scopes), frozenset(key.allowed_projects))
    try:
        user = await user_service.get_identity(key.user)
        return await organization_service.get_access(key.organization, user, grant)
    except (AccountGone, NotAMember):
        raise InvalidApiKey from None


def check_permission(access: Access, permission: Permission) -> None:
    """Raises ScopeMissing, and RoleTooLow where the person themself may not do it any more."""
    assert access.key is not None
    if not access.key.allows(permission):
        raise ScopeMissing(required=scopes_for(permission), available=sorted(access.key.scopes))
    organization_service.check_role(access, permission)


async def enter(entry: Entry, organization_id: str | None, project_id: str | None) -> None:
    """Go to the organization and the project of the path. Raises OrganizationAccessDenied, ProjectAccessDenied."""
    if organization_id is not None and organization_id != entry.access.organization:
        raise OrganizationAccessDenied
    if project_id is not None:
        try:
            entry.project = await project_service.get_project(entry.access, project_id)
        except ProjectNotFound:
            raise ProjectAccessDenied from None


async def count_use(key: UserApiKey, now: datetime) -> UserApiKey:
    """Count one call; answers the key as it is then. Raises DailyLimitReached, KeyRateExceeded, InvalidApiKey."""
    counted = await key_service.count_use(key, now)
    if counted is None:
        raise await _why_not(key, now)
    return counted


async def _why_not(key: UserApiKey, now: datetime) -> Exception:
    current = await key_service.find_active_by_id(key.id)
    if current is None or current.key_hash != key.key_hash:
        return InvalidApiKey()
    daily, rate = current.restrictions.max_executions_per_day, current.restrictions.rate_limit_override
    used_up = daily is not None and current.usage.as_of(now).executions_today >= daily
    if used_up or rate is None:
        return DailyLimitReached()
    return KeyRateExceeded(limit=rate, seconds_left=_MINUTE - now.second)
