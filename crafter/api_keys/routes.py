"""``/organizations/{organization_id}/projects/{project_id}/api-keys``: a project's keys for models."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from crafter.api_keys import presentation
from crafter.api_keys import service as api_key_service
from crafter.api_keys.dependencies import CurrentApiKey, KeyToDelete
from crafter.api_keys.documents import ApiKey
from crafter.api_keys.errors import (
    ApiKeyExists,
    ApiKeyNotFound,
    CredentialInUse,
    CredentialRevoked,
    SecretInUse,
    StorageRefused,
)
from crafter.api_keys.lifecycle import service as lifecycle_service
from crafter.api_keys.schemas import (
    ApiKeyCreate,
    ApiKeyCreated,
    ApiKeyPage,
    ApiKeyRead,
    ApiKeyRotate,
    ApiKeyUpdate,
)
from crafter.core.errors import PreconditionRequired, StaleWrite, documented
from crafter.core.etags import IfMatch, RequiredIfMatch, etag
from crafter.core.pagination import CursorPage, cursor_page, page_body
from crafter.core.runtime import CurrentRuntime
from crafter.edge.rate_limits import API_KEY, GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations import service as organization_service
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission
from crafter.organizations.schemas import Done
from crafter.organizations.service import Access
from crafter.projects.dependencies import CurrentProject
from crafter.projects.errors import ProjectNotFound
from crafter.providers.errors import ProviderNotFound

router = feature_router(
    "/organizations/{organization_id}/projects/{project_id}/api-keys", tag="Provider keys"
)


@router.post(
    "",
    response_model=ApiKeyCreated,
    status_code=201,
    dependencies=[require(Permission.credentials_create), limited(API_KEY)],
    responses=documented(ProjectNotFound, ProviderNotFound, ApiKeyExists, StorageRefused),
)
async def create_api_key(
    access: CurrentAccess, project: CurrentProject, body: ApiKeyCreate, runtime: CurrentRuntime
) -> Response:
    """Store a provider's key. It is encrypted, and no answer will ever contain it.

    Admins may instead say where the server finds it: in a variable, or in a file, that an operator has allowed.
    """
    if body.storage is not None:
        organization_service.check_role(access, Permission.credentials_manage)
    key = await api_key_service.create_key(project, body, runtime)
    return json_response(presentation.show_created(key), 201, {"ETag": etag(key.revision)})


@router.get(
    "",
    response_model=ApiKeyPage,
    dependencies=[require(Permission.credentials_read), limited(GENERAL)],
    responses=documented(ProjectNotFound),
)
async def list_api_keys(
    access: CurrentAccess,
    project: CurrentProject,
    page: Annotated[CursorPage, Depends(cursor_page)],
    runtime: CurrentRuntime,
    expiring_before: Annotated[
        datetime | None, Query(description="Only keys that expire before then, or have.")
    ] = None,
) -> Response:
    """The project's keys, newest first, without their secrets."""
    keys, following = await api_key_service.list_page(project.scope, page, runtime.cursors, expiring_before)
    shown = await api_key_service.show_masked(keys, references=_sees_references(access))
    return json_response(page_body(shown, next_cursor=following))


@router.get(
    "/{api_key_id}",
    response_model=ApiKeyRead,
    dependencies=[require(Permission.credentials_read), limited(GENERAL)],
    responses=documented(ProjectNotFound, ApiKeyNotFound),
)
async def get_api_key(access: CurrentAccess, key: CurrentApiKey) -> Response:
    """One key, without its secret."""
    return await _answer(access, key)


@router.patch(
    "/{api_key_id}",
    response_model=ApiKeyRead,
    dependencies=[require(Permission.credentials_manage), limited(API_KEY)],
    responses=documented(
        ProjectNotFound, ApiKeyNotFound, CredentialRevoked, StaleWrite, PreconditionRequired
    ),
)
async def update_api_key(
    access: CurrentAccess, key: CurrentApiKey, body: ApiKeyUpdate, revision: RequiredIfMatch
) -> Response:
    """Rename a key, switch it off and on, let it expire, limit it. The secret itself is changed with `:rotate`."""
    return await _answer(access, await api_key_service.update_key(key, body, revision))


@router.delete(
    "/{api_key_id}",
    response_model=Done,
    dependencies=[require(Permission.credentials_delete), limited(API_KEY)],
    responses=documented(ProjectNotFound, ApiKeyNotFound, CredentialInUse, StaleWrite),
)
async def delete_api_key(
    key: KeyToDelete,
    revision: IfMatch,
    force: Annotated[bool, Query(description="Delete it although something still uses it.")] = False,
) -> Response:
    """Delete a key. While something uses it the answer is 409 with a list of what."""
    await api_key_service.delete_key(key, revision, force=force)
    return json_response(Done(message="API key deleted successfully"))


@router.post(
    "/{api_key_id}:rotate",
    response_model=ApiKeyRead,
    dependencies=[require(Permission.credentials_manage), limited(API_KEY)],
    responses=documented(
        ProjectNotFound,
        ApiKeyNotFound,
        ProviderNotFound,
        StorageRefused,
        SecretInUse,
        CredentialRevoked,
        StaleWrite,
    ),
)
async def rotate_api_key(
    access: CurrentAccess,
    key: CurrentApiKey,
    body: ApiKeyRotate,
    revision: IfMatch,
    runtime: CurrentRuntime,
) -> Response:
    """Give a key another secret, for where the provider is now. The same secret again just confirms that address.

    The new one is used at once. While the grace lasts, a call that the provider refuses to it (401) is made once more
    with the old one; then the old one is erased.
    """
    return await _answer(access, await lifecycle_service.rotate_key(key, body, revision, runtime))


@router.post(
    "/{api_key_id}:revoke",
    response_model=ApiKeyRead,
    dependencies=[require(Permission.credentials_manage), limited(API_KEY)],
    responses=documented(ProjectNotFound, ApiKeyNotFound),
)
async def revoke_api_key(access: CurrentAccess, key: CurrentApiKey, runtime: CurrentRuntime) -> Response:
    """End a key at once and for good: its secrets are erased, the row stays. Whatever uses it is refused."""
    return await _answer(access, await lifecycle_service.revoke_key(key, runtime))


@router.post(
    "/{api_key_id}:set-default",
    response_model=ApiKeyRead,
    dependencies=[require(Permission.credentials_manage), limited(API_KEY)],
    responses=documented(ProjectNotFound, ApiKeyNotFound, CredentialRevoked),
)
async def set_default_api_key(access: CurrentAccess, key: CurrentApiKey) -> Response:
    """Make this the key of its provider that is used where none is named; there is at most one."""
    return await _answer(access, await lifecycle_service.set_default(key))


async def _answer(access: Access, key: ApiKey) -> Response:
    [body] = await api_key_service.show_masked([key], references=_sees_references(access))
    return json_response(body, headers={"ETag": etag(key.revision)})


def _sees_references(access: Access) -> bool:
    return access.allows(Permission.credentials_manage)
