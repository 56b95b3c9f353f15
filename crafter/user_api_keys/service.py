"""Every query and every rule about platform keys; people reach only their own, programs by the key's value."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import count, islice
from typing import Any

from pymongo.errors import DuplicateKeyError

from crafter.core.etags import revision_filter, stale
from crafter.core.security import hash_key, new_key
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now
from crafter.organizations.service import Access
from crafter.projects import service as project_service
from crafter.user_api_keys import pipelines
from crafter.user_api_keys.documents import KeyRestrictions, KeyUsage, UserApiKey
from crafter.user_api_keys.errors import (
    ApiKeyNotFound,
    ApiKeyRevoked,
    ExpiryInThePast,
    ForeignProjects,
    TooManyApiKeys,
)
from crafter.user_api_keys.schemas import UserApiKeyCreate, UserApiKeyUpdate

_MOST = 1_000


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key together with its value, which is known only at the moment of its making."""

    key: UserApiKey
    value: str


async def create_key(access: Access, new: UserApiKeyCreate, *, limit: int) -> IssuedKey:
    """Make a key for the caller. Raises TooManyApiKeys, ExpiryInThePast and ForeignProjects."""
    _require_future(new.expires_at)
    await _require_own_projects(access, new.allowed_projects)
    value = new_key()
    key = UserApiKey(
        organization=access.organization,
        name=new.name,
        key_hash=hash_key(value),
        user=access.user.id,
        scopes=[scope.value for scope in new.scopes],
        restrictions=KeyRestrictions(**new.restrictions.model_dump()),
        expires_at=new.expires_at,
        created_by=access.user.id,
        allowed_projects=new.allowed_projects,
    )
    await _insert_in_free_slot(key, access.scope, limit)
    return IssuedKey(key, value)


async def list_keys(access: Access) -> list[UserApiKey]:
    """The caller's keys, newest first, revoked ones included."""
    rows = await UserApiKey.within(access.scope).find(
        {"user": access.user.id}, sort=[("createdAt", -1), ("_id", -1)], limit=_MOST
    )
    return [UserApiKey.from_stored(row) for row in rows]


async def get_key(access: Access, key_id: str) -> UserApiKey:
    """One of the caller's keys. Raises ApiKeyNotFound, also for somebody else's."""
    raw = await UserApiKey.within(access.scope).find_one(_own(access, key_id))
    if raw is None:
        raise ApiKeyNotFound
    return UserApiKey.from_stored(raw)


async def update_key(
    access: Access, key_id: str, changes: UserApiKeyUpdate, revision: int | None
) -> UserApiKey:
    """Change some fields. Raises ApiKeyNotFound, StaleWrite, ExpiryInThePast and ForeignProjects."""
    _require_future(changes.expires_at)
    await _require_own_projects(access, changes.allowed_projects or [])
    given: dict[str, Any] = changes.given()
    if changes.restrictions is not None:
        given["restrictions"] = KeyRestrictions(**changes.restrictions.model_dump()).model_dump()
    if changes.scopes is not None:
        given["scopes"] = [scope.value for scope in changes.scopes]
    return await _change(access, key_id, {"$set": given}, revision)


async def rotate_key(access: Access, key_id: str) -> IssuedKey:
    """Give a key a new value and fresh counters; the old value is dead at once. Raises as ``revoke_key``."""
    value, now = new_key(), utc_now()
    fresh = {
        "key_hash": hash_key(value),
        "last_rotated_at": now,
        "usage": KeyUsage(last_reset_date=now).model_dump(),
    }
    raw = await UserApiKey.within(access.scope).change_one(
        {**_own(access, key_id), "is_active": True}, {"$set": fresh}
    )
    if raw is None:
        await get_key(access, key_id)
        raise ApiKeyRevoked
    return IssuedKey(UserApiKey.from_stored(raw), value)


async def revoke_key(access: Access, key_id: str, revision: int | None) -> None:
    """End a key for good; its slot is free again. Raises ApiKeyNotFound and StaleWrite."""
    await _change(access, key_id, {"$set": {"is_active": False}}, revision)


async def revoke_for_member(scope: Scope, user_id: str) -> None:
    """End every key that somebody holds in an organization."""
    await UserApiKey.within(scope).update_many(
        {"user": user_id, "is_active": True}, {"$set": {"is_active": False}}
    )


async def find_active_by_value(value: str) -> UserApiKey | None:
    """The key with that value, whoever's it is: only who holds the key can ask for it."""
    raw = await UserApiKey.across_tenants().find_one({"key_hash": hash_key(value), "is_active": True})
    return UserApiKey.if_sound(raw)


async def find_active_by_id(key_id: str) -> UserApiKey | None:
    """A key, whoever's it is, by an id that comes out of something stored, such as the session of a token."""
    raw = await UserApiKey.across_tenants().find_one({"_id": key_id, "is_active": True})
    return UserApiKey.if_sound(raw)


async def count_use(key: UserApiKey, now: datetime) -> UserApiKey | None:
    """Count one use of a key and answer the key as it is then; None where a limit leaves no room, or the key ended.

    Limit and count are one conditional update, so they are exact however many servers count at once.
    """
    alive = {"_id": key.id, "key_hash": key.key_hash, "is_active": True}
    raw = await UserApiKey.within(key.scope).change_one(
        {**alive, **pipelines.has_room(now)}, pipelines.used(now)
    )
    return UserApiKey.if_sound(raw)


async def find_project_names(access: Access, project_ids: Iterable[str]) -> dict[str, str]:
    """What some projects of the organization are called, by id; foreign and deleted ones are missing."""
    wanted = set(project_ids)
    if not wanted:
        return {}
    projects = await project_service.list_projects(access)
    return {project.stored_id: project.name for project in projects if project.stored_id in wanted}


async def _change(access: Access, key_id: str, change: dict[str, Any], revision: int | None) -> UserApiKey:
    keys = UserApiKey.within(access.scope)
    raw = await keys.change_one({**_own(access, key_id), **revision_filter(revision)}, change)
    if raw is None:
        raise stale((await get_key(access, key_id)).revision)
    return UserApiKey.from_stored(raw)


async def _insert_in_free_slot(key: UserApiKey, scope: Scope, limit: int) -> None:
    """Store a new key in one of the free slots; the unique index decides between racers.

    There are as many slots to choose from as keys are still allowed, the lowest ones first. So racers compete
    for the same slots, and whoever finds all of them taken has met the limit.
    """
    keys = UserApiKey.within(scope)
    active = await keys.find({"user": key.user, "is_active": True}, fields={"slot": 1}, limit=_MOST)
    taken = {row.get("slot") for row in active}
    free = (slot for slot in count() if slot not in taken)
    for slot in islice(free, max(limit - len(active), 0)):
        key.slot = slot
        try:
            await keys.insert(key.to_stored())
        except DuplicateKeyError:
            continue
        return
    raise TooManyApiKeys(limit)


def _own(access: Access, key_id: str) -> dict[str, Any]:
    return {"_id": key_id, "user": access.user.id}


def _require_future(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= utc_now():
        raise ExpiryInThePast


async def _require_own_projects(access: Access, project_ids: list[str]) -> None:
    if len(await find_project_names(access, project_ids)) < len(set(project_ids)):
        raise ForeignProjects
