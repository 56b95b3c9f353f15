"""What can go wrong with organizations and their members."""

from crafter.core.errors import BadInput, Conflict, Forbidden, NotFound


class NotAMember(Forbidden):
    """The organization in the path is not the caller's, or there is none: both look the same."""

    code = "NOT_A_MEMBER"
    message = "Access denied: Not a member of this organization"


class RoleTooLow(Forbidden):
    """The caller is a member, but may not do this."""

    code = "INSUFFICIENT_PERMISSIONS"
    message = "Access denied: a higher role is required"


class ProjectAccessDenied(Forbidden):
    """The caller's platform key is limited to other projects, or there is no such project: both look the same."""

    code = "PROJECT_ACCESS_DENIED"
    message = "Access denied to this project"


class MemberNotFound(NotFound):
    """The person is not in this organization."""

    code = "MEMBER_NOT_FOUND"
    message = "Member not found in organization"


class AlreadyAMember(BadInput):
    """The person is in the organization already."""

    code = "ALREADY_A_MEMBER"
    message = "User is already a member of this organization"


class OrganizationFull(Conflict):
    """No more members fit."""

    code = "ORGANIZATION_FULL"
    message = "This organization has reached its limit of 1,000 members"


class LastAdmin(BadInput):
    """Somebody has to be able to manage the organization."""

    code = "LAST_ADMIN"
    message = "Cannot remove the last admin"


class OwnerMustStay(Conflict):
    """The owner is always an admin of the organization."""

    code = "OWNER_MUST_STAY"
    message = "The owner stays an admin of the organization. Transfer the ownership first."


class TransferClashed(Conflict):
    """Somebody else changed the owner in the same moment."""

    code = "TRANSFER_CLASHED"
    message = "The ownership has changed meanwhile. Read the organization again."
