"""Roles, scopes, permissions, and the tables that say which role and which scope may do what."""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """A member's role; each includes the ones before it."""

    viewer = "viewer"
    member = "member"
    admin = "admin"


class Permission(StrEnum):
    """What a route asks for."""

    organization_read = "organization:read"
    organization_manage = "organization:manage"
    ownership_transfer = "organization:transfer"
    members_manage = "members:manage"
    projects_read = "projects:read"
    projects_create = "projects:create"
    projects_manage = "projects:manage"
    projects_delete = "projects:delete"
    credentials_read = "credentials:read"
    credentials_create = "credentials:create"
    credentials_manage = "credentials:manage"
    credentials_delete = "credentials:delete"
    user_api_keys_read = "user_api_keys:read"
    user_api_keys_manage = "user_api_keys:manage"
    agents_read = "agents:read"
    agents_manage = "agents:manage"
    agents_delete = "agents:delete"
    agents_chat = "agents:chat"
    agents_execute = "agents:execute"
    conversations_read = "conversations:read"
    conversations_write = "conversations:write"
    conversations_handle = "conversations:handle"
    conversations_delete = "conversations:delete"
    models_manage = "models:manage"
    prompts_read = "prompts:read"
    prompts_manage = "prompts:manage"
    prompts_delete = "prompts:delete"
    prompts_run = "prompts:run"
    operators_read = "operators:read"
    operators_manage = "operators:manage"
    statistics_read = "statistics:read"
    privacy_manage = "privacy:manage"
    budgets_read = "budgets:read"
    budgets_manage = "budgets:manage"


_VIEWER = {
    Permission.organization_read,
    Permission.projects_read,
    Permission.credentials_read,
    Permission.user_api_keys_read,
    Permission.agents_read,
    Permission.conversations_read,
    Permission.prompts_read,
    Permission.operators_read,
    Permission.statistics_read,
    Permission.budgets_read,
}
_MEMBER = _VIEWER | {
    Permission.projects_create,
    Permission.projects_manage,
    Permission.credentials_create,
    Permission.user_api_keys_manage,
    Permission.agents_manage,
    Permission.agents_chat,
    Permission.agents_execute,
    Permission.conversations_write,
    Permission.prompts_manage,
    Permission.prompts_run,
    Permission.conversations_handle,
    Permission.operators_manage,
}
_ADMIN = _MEMBER | {
    Permission.organization_manage,
    Permission.members_manage,
    Permission.projects_delete,
    Permission.credentials_manage,
    Permission.credentials_delete,
    Permission.agents_delete,
    Permission.conversations_delete,
    Permission.models_manage,
    Permission.prompts_delete,
    Permission.privacy_manage,
    Permission.budgets_manage,
}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.viewer: frozenset(_VIEWER),
    Role.member: frozenset(_MEMBER),
    Role.admin: frozenset(_ADMIN),
}

OWNER_GRANTS = frozenset({Permission.ownership_transfer})
"""What only the owner may do, beside everything that an admin may."""


SCOPE_GRANTS: Mapping[str, frozenset[Permission]] = {
    "prompts:execute": frozenset({Permission.prompts_run}),
    "agents:read": frozenset({Permission.agents_read}),
    "agents:chat": frozenset({Permission.agents_chat}),
    "agents:execute": frozenset({Permission.agents_execute}),
    "projects:read": frozenset({Permission.projects_read}),
    "statistics:read": frozenset({Permission.statistics_read}),
    "handoffs:manage": frozenset({Permission.conversations_handle, Permission.operators_manage}),
}
"""What a platform key may do by each of its scopes, as far as the role of the person it acts for allows it too."""


def scopes_for(permission: Permission) -> list[str]:
    """The scopes that grant a permission."""
    return [scope for scope, granted in SCOPE_GRANTS.items() if permission in granted]


def least_role(permission: Permission) -> Role | None:
    """The lowest role that has the permission; None when only the owner has it."""
    return next((role for role in Role if permission in GRANTS[role]), None)
