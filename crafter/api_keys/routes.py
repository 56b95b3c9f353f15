"""``/organizations/{organization_id}/projects/{project_id}/api-keys``: a project's keys for models."""

from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from crafter.api_keys import presentation
from crafter.api_keys import service as api_key_service
from crafter.api_keys.dependencies import CurrentApiKey, KeyToDelete
from crafter.api_keys.documents import ApiKey
from crafter.api_keys.errors import ApiKeyExists, ApiKeyNotFound, CredentialInUse
from crafter.api_keys.schemas import ApiKeyCreate, ApiKeyCreated, ApiKeyPage, ApiKeyRead, ApiKeyUpdate
from crafter.core.errors import PreconditionRequired, StaleWrite, documented
from crafter.core.etags import IfMatch, RequiredIfMatch, etag
from crafter.core.pagination import CursorPage, cursor_page, page_body
from crafter.core.runtime import CurrentRuntime
from crafter.edge.rate_limits import API_KEY, GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import require
from crafter.organizations.permissions import Permission
from crafter.organizations.schemas import Done
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
    responses=documented(ProjectNotFound, ProviderNotFound, ApiKeyExists),
)
async def create_api_key(project: CurrentProject, body: ApiKeyCreate, runtime: CurrentRuntime) -> Response:
    """Store a provider's key. It is encrypted, and no answer will ever contain it."""
    key = await api_key_service.create_key(project, body, runtime.keyring)
    return json_response(presentation.show_created(key), 201, {"ETag": etag(key.revision)})


@router.get(
    "",
    response_model=ApiKeyPage,
    dependencies=[require(Permission.credentials_read), limited(GENERAL)],
    responses=documented(ProjectNotFound),
)
async def list_api_keys(
    project: CurrentProject, page: Annotated[CursorPage, Depends(cursor_page)], runtime: CurrentRuntime
) -> Response:
    """The project's keys, newest first, without their secrets."""
    keys, following = await api_key_service.list_page(project.scope, page, runtime.cursors)
    return json_response(page_body(await api_key_service.show_masked(keys), next_cursor=following))


@router.get(
    "/{api_key_id}",
    response_model=ApiKeyRead,
    dependencies=[require(Permission.credentials_read), limited(GENERAL)],
    responses=documented(ProjectNotFound, ApiKeyNotFound),
)
async def get_api_key(key: CurrentApiKey) -> Response:
    """One key, without its secret."""
    return await _answer(key)


@router.patch(
    "/{api_key_id}",
    response_model=ApiKeyRead,
    dependencies=[require(Permission.credentials_manage), limited(API_KEY)],
    responses=documented(ProjectNotFound, ApiKeyNotFound, StaleWrite, PreconditionRequired),
)
async def update_api_key(key: CurrentApiKey, body: ApiKeyUpdate, revision: RequiredIfMatch) -> Response:
    """Rename a key, or switch it off and on. The secret itself cannot be changed: store another key."""
    return await _answer(await api_key_service.update_key(key, body, revision))


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


async def _answer(key: ApiKey) -> Response:
    [body] = await api_key_service.show_masked([key])
    return json_response(body, headers={"ETag": etag(key.revision)})
