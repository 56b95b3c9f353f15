"""From the organization in the path to what the caller may do there."""

from typing import Annotated, Any

from fastapi import Depends

from crafter.auth.dependencies import CurrentUser
from crafter.core.access import AccessRule, gate
from crafter.core.ids import EntityId
from crafter.organizations import service as organization_service
from crafter.organizations.permissions import Permission
from crafter.organizations.service import Access, Memberships


async def get_access(organization_id: EntityId, user: CurrentUser) -> Access:
    """Outsiders get 403, and the same for organizations that do not exist."""
    return await organization_service.get_access(organization_id, user)


async def get_memberships(user: CurrentUser) -> Memberships:
    """All organizations of whoever is signed in."""
    return await organization_service.get_memberships(user)


CurrentAccess = Annotated[Access, Depends(get_access)]
CurrentMemberships = Annotated[Memberships, Depends(get_memberships)]


def require(permission: Permission) -> Any:
    """A gate for ``dependencies=[…]``: members without the permission get 403."""

    async def check(access: CurrentAccess) -> None:
        organization_service.check_role(access, permission)

    return gate(AccessRule("member", permission), check)
