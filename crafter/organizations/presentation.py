"""How organizations and members are answered: with the people's names filled in, and secrets masked."""

from collections.abc import Sequence

from crafter.organizations.documents import Organization
from crafter.organizations.permissions import Role
from crafter.organizations.schemas import MemberChanged, MemberRead, MemberSummary, OrganizationRead, Person
from crafter.organizations.service import MASK
from crafter.users import service as user_service
from crafter.users.service import Identity


def show(organization: Organization) -> OrganizationRead:
    """An organization with ids where people stand."""
    media = organization.media_storage.model_dump(by_alias=True)
    for key in ("access_key_id", "secret_access_key"):
        if key in media["credentials"]:
            media["credentials"][key] = MASK
    members = [
        MemberRead(user=member.user, role=member.role, stored_id=str(member.id))
        for member in organization.members
    ]
    return OrganizationRead(
        stored_id=organization.id,
        created_at=organization.created_at,
        updated_at=organization.updated_at,
        version_key=organization.version_key,
        name=organization.name,
        description=organization.description,
        owner=organization.owner,
        members=members,
        media_storage=media,
    )


async def show_with_members(organization: Organization) -> OrganizationRead:
    """An organization whose members are people."""
    people = await user_service.find_people(member.user for member in organization.members)
    body = show(organization)
    for member in body.members:
        member.user = _person(str(member.user), people)
    return body


async def show_with_owners(organizations: Sequence[Organization]) -> list[OrganizationRead]:
    """Organizations whose owners are people."""
    people = await user_service.find_people(organization.owner for organization in organizations)
    bodies = [show(organization) for organization in organizations]
    for body in bodies:
        body.owner = _person(str(body.owner), people)
    return bodies


def show_change(message: str, user: Identity, role: Role) -> MemberChanged:
    """What was done to a member."""
    return MemberChanged(
        message=message,
        member=MemberSummary(user={"id": user.id, "email": user.email, "name": user.name}, role=role),
    )


def _person(user_id: str, people: dict[str, Identity]) -> Person:
    known = people.get(user_id)
    return Person(stored_id=user_id, email=known.email if known else "", name=known.name if known else "")
