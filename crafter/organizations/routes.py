"""``/organizations`` and their members."""

from starlette.responses import Response

from crafter.auth.dependencies import CurrentUser, signed_in
from crafter.core.errors import StaleWrite, documented
from crafter.core.etags import IfMatch, RequiredIfMatch, etag
from crafter.core.ids import EntityId
from crafter.core.runtime import CurrentRuntime
from crafter.edge.rate_limits import API_KEY, GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations import presentation
from crafter.organizations import service as organization_service
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.errors import (
    AlreadyAMember,
    LastAdmin,
    MemberNotFound,
    OrganizationFull,
    OwnerMustStay,
)
from crafter.organizations.permissions import Permission
from crafter.organizations.schemas import (
    Done,
    MemberAdd,
    MemberChanged,
    OrganizationCreate,
    OrganizationRead,
    OrganizationUpdate,
    OwnershipTransfer,
    RoleChange,
)
from crafter.users import service as user_service
from crafter.users.errors import UserNotFound

router = feature_router("/organizations", tag="Organizations")


@router.post("", response_model=OrganizationRead, status_code=201, dependencies=[signed_in, limited(GENERAL)])
async def create_organization(user: CurrentUser, body: OrganizationCreate) -> Response:
    """Make an organization; you are its owner and first admin."""
    organization = await organization_service.create_organization(user, body)
    return json_response(presentation.show(organization), 201, {"ETag": etag(organization.revision)})


@router.get("", response_model=list[OrganizationRead], dependencies=[signed_in, limited(GENERAL)])
async def list_organizations(user: CurrentUser) -> Response:
    """The organizations that you are a member of."""
    organizations = await organization_service.list_organizations(user)
    return json_response(await presentation.show_with_owners(organizations))


@router.get(
    "/{organization_id}",
    response_model=OrganizationRead,
    dependencies=[require(Permission.organization_read), limited(GENERAL)],
)
async def get_organization(access: CurrentAccess) -> Response:
    """One organization, with its members as people."""
    organization = await organization_service.get_organization(access)
    body = await presentation.show_with_members(organization)
    return json_response(body, headers={"ETag": etag(organization.revision)})


@router.put(
    "/{organization_id}",
    response_model=OrganizationRead,
    dependencies=[require(Permission.organization_manage), limited(GENERAL)],
    responses=documented(StaleWrite),
)
async def update_organization(
    access: CurrentAccess, body: OrganizationUpdate, revision: IfMatch, runtime: CurrentRuntime
) -> Response:
    """Change the name, the description or the media storage; absent fields stay as they are."""
    organization = await organization_service.update_organization(access, body, revision, runtime.keyring)
    return json_response(presentation.show(organization), headers={"ETag": etag(organization.revision)})


@router.post(
    "/{organization_id}:transfer",
    response_model=OrganizationRead,
    dependencies=[require(Permission.ownership_transfer), limited(API_KEY)],
    responses=documented(StaleWrite, MemberNotFound),
)
async def transfer_ownership(
    access: CurrentAccess, body: OwnershipTransfer, revision: RequiredIfMatch
) -> Response:
    """Make another member the owner. Only the owner may, and must say from which revision."""
    organization = await organization_service.transfer_ownership(access, body.user_id, revision)
    return json_response(presentation.show(organization), headers={"ETag": etag(organization.revision)})


@router.post(
    "/{organization_id}/members",
    response_model=MemberChanged,
    dependencies=[require(Permission.members_manage), limited(API_KEY)],
    responses=documented(UserNotFound, AlreadyAMember, OrganizationFull),
)
async def add_member(access: CurrentAccess, body: MemberAdd) -> Response:
    """Add somebody who has an account."""
    found = await user_service.get_by_email(body.email)
    person = user_service.Identity(found.id, found.email, found.name)
    await organization_service.add_member(access, person, body.role)
    return json_response(presentation.show_change("User added successfully", person, body.role))


@router.put(
    "/{organization_id}/members/{user_id}",
    response_model=MemberChanged,
    dependencies=[require(Permission.members_manage), limited(API_KEY)],
    responses=documented(MemberNotFound, LastAdmin, OwnerMustStay),
)
async def change_role(access: CurrentAccess, user_id: EntityId, body: RoleChange) -> Response:
    """Give a member another role."""
    await organization_service.change_role(access, user_id, body.role)
    people = await user_service.find_people([user_id])
    person = people.get(user_id, user_service.Identity(user_id, "", ""))
    return json_response(presentation.show_change("Member role updated successfully", person, body.role))


@router.delete(
    "/{organization_id}/members/{user_id}",
    response_model=Done,
    dependencies=[require(Permission.members_manage), limited(API_KEY)],
    responses=documented(LastAdmin, OwnerMustStay),
)
async def remove_member(access: CurrentAccess, user_id: EntityId) -> Response:
    """Remove a member. Their platform keys for this organization end with it."""
    await organization_service.remove_member(access, user_id)
    return json_response(Done(message="Member removed successfully"))
