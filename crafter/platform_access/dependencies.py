"""From a platform key to what its program may do; on some routes a person may come in as well."""

from typing import Annotated, Any

from fastapi import Depends, Request

from crafter.auth.credentials import read_credentials
from crafter.auth.dependencies import get_current_user
from crafter.core.access import AccessRule, gate
from crafter.core.ids import EntityId
from crafter.core.runtime import CurrentRuntime
from crafter.core.time import utc_now
from crafter.edge.addresses import client_ip
from crafter.organizations import service as organization_service
from crafter.organizations.permissions import Permission
from crafter.organizations.service import Access
from crafter.platform_access import service as platform_access
from crafter.platform_access.errors import InvalidApiKey
from crafter.platform_access.restrictions import CallSite, check_site
from crafter.platform_access.service import Entry
from crafter.projects.documents import Project


def call_site(request: Request) -> CallSite:
    """Where the request comes from."""
    page = request.headers.get("origin") or request.headers.get("referer")
    return CallSite(client_ip(request.scope), page)


async def _get_site(request: Request) -> CallSite:
    return call_site(request)


CurrentSite = Annotated[CallSite, Depends(_get_site)]


async def get_entry(request: Request) -> Entry:
    """The key at the door. Raises ApiKeyRequired, InvalidApiKey and ApiKeyExpired."""
    credentials = read_credentials(request.headers)
    if credentials.ambiguous:
        raise InvalidApiKey
    return await platform_access.identify(credentials.api_key, utc_now())


CurrentEntry = Annotated[Entry, Depends(get_entry)]


async def get_member_or_program(
    organization_id: EntityId, request: Request, runtime: CurrentRuntime
) -> Entry | Access:
    """The key at the door, or else the member who is signed in."""
    if read_credentials(request.headers).names_program:
        return await get_entry(request)
    user = await get_current_user(request, runtime)
    return await organization_service.get_access(organization_id, user)


MemberOrProgram = Annotated[Entry | Access, Depends(get_member_or_program)]


def require_scope(permission: Permission | None) -> Any:
    """A gate for ``dependencies=[…]``: programs whose key has a scope for it; with None any scope will do.

    The call is counted on the key, if nothing is against it.
    """

    async def check(request: Request, entry: CurrentEntry) -> None:
        await admit(entry, permission, request)

    return gate(AccessRule("key", permission), check)


def require_role_or_scope(permission: Permission) -> Any:
    """A gate for ``dependencies=[…]``: members whose role may do it, and programs whose key has a scope for it."""

    async def check(request: Request, caller: MemberOrProgram) -> None:
        if isinstance(caller, Entry):
            await admit(caller, permission, request)
        else:
            organization_service.check_role(caller, permission)

    return gate(AccessRule("member_or_key", permission), check)


async def admit(entry: Entry, permission: Permission | None, request: Request) -> None:
    """Let a key in, and count the call on it. Raises ScopeMissing and what else is against it."""
    if permission is not None:
        platform_access.check_permission(entry.access, permission)
    check_site(entry.key.restrictions, call_site(request))
    path = request.path_params
    await platform_access.enter(entry, path.get("organization_id"), path.get("project_id"))
    entry.key = await platform_access.count_use(entry.key, utc_now())


async def _get_access(entry: CurrentEntry) -> Access:
    return entry.access


async def _get_project(entry: CurrentEntry) -> Project:
    assert entry.project is not None
    return entry.project


async def _get_member_or_programs_access(caller: MemberOrProgram) -> Access:
    return caller.access if isinstance(caller, Entry) else caller


KeyAccess = Annotated[Access, Depends(_get_access)]
"""What a program may do; on routes behind :func:`require_scope`."""

KeyProject = Annotated[Project, Depends(_get_project)]
"""The project of the path, for a program; on routes behind :func:`require_scope`."""

EitherAccess = Annotated[Access, Depends(_get_member_or_programs_access)]
"""What a member or a program may do; on routes behind :func:`require_role_or_scope`."""
