"""Every query and every rule about organizations and their members.

Rules about the embedded members are decided by the filter of one update: never read, decide, write.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crafter.core.etags import revision_filter, stale
from crafter.core.secrets import Keyring, Place
from crafter.core.tenancy import Scope, ScopeSet
from crafter.core.time import utc_now
from crafter.organizations.documents import (
    MAX_MEMBERS,
    MediaStorage,
    Member,
    Organization,
    StorageCredentials,
)
from crafter.organizations.errors import (
    AlreadyAMember,
    LastAdmin,
    MemberNotFound,
    NotAMember,
    OrganizationFull,
    OwnerMustStay,
    ProjectAccessDenied,
    RoleTooLow,
    TransferClashed,
)
from crafter.organizations.permissions import GRANTS, OWNER_GRANTS, SCOPE_GRANTS, Permission, Role, least_role
from crafter.organizations.schemas import MediaStorageInput, OrganizationCreate, OrganizationUpdate
from crafter.users.service import Identity

MASK = "***"

_ADMINISTRATION = {Permission.organization_manage, Permission.members_manage}

MemberLeft = Callable[[Scope, str], Awaitable[None]]
_when_member_leaves: list[MemberLeft] = []


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """What a platform key may do at most: its scopes, in its projects (in all of them, if it names none)."""

    id: str
    scopes: frozenset[str]
    projects: frozenset[str]

    def allows(self, permission: Permission) -> bool:
        """Whether one of its scopes grants it."""
        return any(permission in SCOPE_GRANTS.get(scope, ()) for scope in self.scopes)


@dataclass(frozen=True, slots=True)
class Access:
    """A member of an organization, at work in it; with ``key`` a program that acts for the member."""

    user: Identity
    organization: str
    role: Role
    is_owner: bool
    key: KeyGrant | None = None

    @property
    def scope(self) -> Scope:
        """The organization."""
        return Scope(self.organization)

    def in_project(self, project_id: str) -> Scope:
        """A project of the organization; it holds nothing unless it is one, since every filter names both.

        Raises ProjectAccessDenied.
        """
        self.require_project(project_id)
        return Scope(self.organization, project_id)

    def require_project(self, project_id: str) -> None:
        """Raises ProjectAccessDenied where the caller's key is limited to other projects."""
        if self.key is not None and self.key.projects and project_id not in self.key.projects:
            raise ProjectAccessDenied

    def allows(self, permission: Permission) -> bool:
        """Whether the member may do it, and, where a program acts for the member, the program too."""
        granted = permission in GRANTS[self.role] or (self.is_owner and permission in OWNER_GRANTS)
        return granted and (self.key is None or self.key.allows(permission))


@dataclass(frozen=True, slots=True)
class Memberships:
    """All organizations of one person, by id, and what the person may do in each."""

    accesses: Mapping[str, Access]

    def everywhere(self) -> ScopeSet:
        """All of the organizations."""
        return ScopeSet(frozenset(self.accesses))

    def scopes(self, permission: Permission, organization_id: str | None = None) -> ScopeSet:
        """The organizations in which the person may do it; with an id just that one, or none."""
        wanted = self.accesses if organization_id is None else self.accesses.keys() & {organization_id}
        return ScopeSet(frozenset(one for one in wanted if self.accesses[one].allows(permission)))


def when_member_leaves(react: MemberLeft) -> None:
    """Have a feature above clean up after a member; called with the organization and the user's id."""
    if react not in _when_member_leaves:
        _when_member_leaves.append(react)


async def get_access(organization_id: str, user: Identity, key: KeyGrant | None = None) -> Access:
    """What the person, or a program with their key, may do there.

    Raises NotAMember, also where there is no such organization.
    """
    raw = await Organization.collection().find_one(
        {"_id": organization_id, "members": {"$elemMatch": {"user": user.id}}}, {"owner": 1, "members.$": 1}
    )
    access = None if raw is None else _access(raw, user, key)
    if access is None:
        raise NotAMember
    return access


async def get_memberships(user: Identity, *, limit: int = 1_000) -> Memberships:
    """Where the person is a member, in one query."""
    seat = {"owner": 1, "members": {"$elemMatch": {"user": user.id}}}
    cursor = Organization.collection().find({"members.user": user.id}, seat).limit(limit)
    accesses = [_access(raw, user, None) for raw in await cursor.to_list()]
    return Memberships({access.organization: access for access in accesses if access is not None})


def _access(raw: Mapping[str, Any], user: Identity, key: KeyGrant | None) -> Access | None:
    """What the one member that was read may do; None for a role that nobody knows."""
    stored = raw["members"][0].get("role", Role.member)
    role = next((role for role in Role if role == stored), None)
    return None if role is None else Access(user, raw["_id"], role, raw.get("owner") == user.id, key)


def check_role(access: Access, permission: Permission) -> None:
    """Raises RoleTooLow, with the sentence that says which role would do."""
    if not access.allows(permission):
        raise RoleTooLow(_refusal(permission), permission=permission)


def _refusal(permission: Permission) -> str:
    if permission in _ADMINISTRATION:
        return "Access denied: Admin rights required"
    role = least_role(permission)
    return f"Access denied: {role} role required" if role else "Access denied: only the owner may do this"


async def create_organization(owner: Identity, new: OrganizationCreate) -> Organization:
    """Make an organization whose owner and first admin is the caller."""
    organization = Organization(
        name=new.name,
        description=new.description,
        owner=owner.id,
        members=[Member(user=owner.id, role=Role.admin)],
    )
    await Organization.collection().insert_one(organization.to_stored())
    return organization


async def list_organizations(user: Identity, *, limit: int = 1_000) -> list[Organization]:
    """The organizations that the person is a member of, oldest first."""
    cursor = Organization.collection().find({"members.user": user.id}).sort("_id", 1).limit(limit)
    return [Organization.from_stored(raw) for raw in await cursor.to_list()]


async def get_organization(access: Access) -> Organization:
    """The organization that the caller is in. Raises NotAMember when it is gone."""
    raw = await Organization.collection().find_one({"_id": access.organization})
    if raw is None:
        raise NotAMember
    return Organization.from_stored(raw)


async def update_organization(
    access: Access, changes: OrganizationUpdate, revision: int | None, keyring: Keyring
) -> Organization:
    """Change some fields. Raises StaleWrite."""
    update: dict[str, Any] = {"$set": {"updatedAt": utc_now()}, "$inc": {"revision": 1}}
    for field, value in changes.given().items():
        if field == "media_storage" and changes.media_storage is not None:
            stored = (await get_organization(access)).media_storage
            media = _sealed(access, changes.media_storage, stored, keyring)
            update["$set"]["media_storage"] = media.model_dump(by_alias=True)
        elif value is None:
            update["$unset"] = {field: ""}
        else:
            update["$set"][field] = value
    raw = await Organization.collection().find_one_and_update(
        {"_id": access.organization, **revision_filter(revision)}, update, return_document=True
    )
    if raw is None:
        raise stale((await get_organization(access)).revision)
    return Organization.from_stored(raw)


async def add_member(access: Access, user: Identity, role: Role) -> None:
    """Add somebody. Raises AlreadyAMember and OrganizationFull; of two racers one wins."""
    room = {f"members.{MAX_MEMBERS - 1}": {"$exists": False}, "members.user": {"$ne": user.id}}
    entry = Member(user=user.id, role=role).model_dump(by_alias=True)
    if not await _change_members(access, room, {"$push": {"members": entry}}):
        there = await Organization.collection().find_one(
            {"_id": access.organization, "members.user": user.id}, {"_id": 1}
        )
        raise AlreadyAMember if there else OrganizationFull


async def change_role(access: Access, user_id: str, role: Role) -> None:
    """Give a member another role. Raises MemberNotFound, LastAdmin, OwnerMustStay."""
    rule = {"members.user": user_id} if role is Role.admin else _may_lose_admin(user_id)
    change = {"$set": {"members.$[member].role": role.value}}
    if not await _change_members(access, rule, change, [{"member.user": user_id}]):
        raise await _why_not(access, user_id) or MemberNotFound()


async def remove_member(access: Access, user_id: str) -> None:
    """Remove a member, and end what they hold here; nothing happens for somebody who is none.

    Raises LastAdmin and OwnerMustStay.
    """
    removed = await _change_members(
        access, _may_lose_admin(user_id), {"$pull": {"members": {"user": user_id}}}
    )
    if not removed and (refusal := await _why_not(access, user_id)):
        raise refusal
    for react in _when_member_leaves:
        await react(access.scope, user_id)


async def transfer_ownership(access: Access, user_id: str, revision: int) -> Organization:
    """Make another member the owner, and an admin. Raises MemberNotFound, StaleWrite, TransferClashed."""
    raw = await Organization.collection().find_one_and_update(
        {
            "_id": access.organization,
            "owner": access.user.id,
            "members": {"$elemMatch": {"user": user_id}},
            **revision_filter(revision),
        },
        {
            "$set": {"owner": user_id, "members.$[member].role": Role.admin.value, "updatedAt": utc_now()},
            "$inc": {"revision": 1},
        },
        array_filters=[{"member.user": user_id}],
        return_document=True,
    )
    if raw is not None:
        return Organization.from_stored(raw)
    current = await get_organization(access)
    if user_id not in {member.user for member in current.members}:
        raise MemberNotFound
    raise stale(current.revision) if current.revision != revision else TransferClashed()


def _may_lose_admin(user_id: str) -> dict[str, Any]:
    """The filter for taking a role away: the member is not the owner, and another admin stays."""
    another = {"$elemMatch": {"user": {"$ne": user_id}, "role": Role.admin.value}}
    return {"owner": {"$ne": user_id}, "$and": [{"members.user": user_id}, {"members": another}]}


async def _change_members(
    access: Access,
    rule: dict[str, Any],
    change: dict[str, Any],
    array_filters: list[dict[str, Any]] | None = None,
) -> bool:
    update = {**change, "$set": {**change.get("$set", {}), "updatedAt": utc_now()}, "$inc": {"revision": 1}}
    done = await Organization.collection().update_one(
        {"_id": access.organization, **rule}, update, array_filters=array_filters
    )
    return done.matched_count == 1


async def _why_not(access: Access, user_id: str) -> LastAdmin | OwnerMustStay | None:
    """Why a member's role could not be taken away; None when they are not a member."""
    organization = await get_organization(access)
    if user_id not in {member.user for member in organization.members}:
        return None
    admins = {member.user for member in organization.members if member.role is Role.admin}
    return LastAdmin() if admins <= {user_id} else OwnerMustStay()


def _sealed(access: Access, given: MediaStorageInput, stored: MediaStorage, keyring: Keyring) -> MediaStorage:
    """The storage settings as they are kept: keys encrypted; a mask keeps the stored key."""
    secrets: dict[str, str | None] = {}
    for field in ("access_key_id", "secret_access_key"):
        value = getattr(given.credentials, field)
        if value == MASK:
            secrets[field] = getattr(stored.credentials, field)
        else:
            place = Place(access.organization, "organizations", access.organization, f"media_storage.{field}")
            secrets[field] = keyring.encrypt(value, place) if value else None
    credentials = StorageCredentials(
        **secrets,
        region=given.credentials.region,
        bucket=given.credentials.bucket,
        endpoint=given.credentials.endpoint,
    )
    media = MediaStorage(
        enabled=given.enabled,
        credentials=credentials,
        base_path=given.base_path,
        max_file_size_mb=given.max_file_size_mb,
    )
    if given.allowed_mime_types is not None:
        media.allowed_mime_types = given.allowed_mime_types
    return media
