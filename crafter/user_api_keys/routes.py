"""``/organizations/{organization_id}/user-api-keys``: the caller's own platform keys."""

from starlette.responses import Response

from crafter.core.errors import StaleWrite, documented
from crafter.core.etags import IfMatch, etag
from crafter.core.ids import EntityId
from crafter.core.runtime import CurrentRuntime
from crafter.core.time import utc_now
from crafter.edge.rate_limits import API_KEY, GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission
from crafter.user_api_keys import presentation
from crafter.user_api_keys import service as key_service
from crafter.user_api_keys.errors import (
    ApiKeyNotFound,
    ApiKeyRevoked,
    ExpiryInThePast,
    ForeignProjects,
    TooManyApiKeys,
)
from crafter.user_api_keys.schemas import (
    Answer,
    Succeeded,
    UserApiKeyCreate,
    UserApiKeyCreated,
    UserApiKeyRead,
    UserApiKeyRotated,
    UserApiKeyUpdate,
    UserApiKeyUsage,
)

router = feature_router("/organizations/{organization_id}/user-api-keys", tag="Platform keys")

_KEEP = "Save this key securely - it won't be shown again."
_NEW = "Save the new key securely - it won't be shown again."


@router.post(
    "",
    response_model=Answer[UserApiKeyCreated],
    status_code=201,
    dependencies=[require(Permission.user_api_keys_manage), limited(API_KEY)],
    responses=documented(TooManyApiKeys, ExpiryInThePast, ForeignProjects),
)
async def create_key(access: CurrentAccess, body: UserApiKeyCreate, runtime: CurrentRuntime) -> Response:
    """Make a key for programs that act in your name. This answer is the only one that shows it."""
    limit = runtime.settings.max_api_keys_per_user
    issued = await key_service.create_key(access, body, limit=limit)
    answer = Answer(data=presentation.show_new(issued), message=f"API key created successfully. {_KEEP}")
    return json_response(answer, 201, {"ETag": etag(issued.key.revision)})


@router.get(
    "",
    response_model=Answer[list[UserApiKeyRead]],
    dependencies=[require(Permission.user_api_keys_read), limited(GENERAL)],
)
async def list_keys(access: CurrentAccess) -> Response:
    """Your keys of this organization, newest first, revoked ones included."""
    keys = await key_service.list_keys(access)
    limited_to = [project for key in keys for project in key.allowed_projects]
    names = await key_service.find_project_names(access, limited_to)
    now = utc_now()
    return json_response(Answer(data=[presentation.show(key, now, names) for key in keys]))


@router.get(
    "/{key_id}",
    response_model=Answer[UserApiKeyRead],
    dependencies=[require(Permission.user_api_keys_read), limited(GENERAL)],
    responses=documented(ApiKeyNotFound),
)
async def get_key(access: CurrentAccess, key_id: EntityId) -> Response:
    """One of your keys."""
    key = await key_service.get_key(access, key_id)
    names = await key_service.find_project_names(access, key.allowed_projects)
    answer = Answer(data=presentation.show(key, utc_now(), names))
    return json_response(answer, headers={"ETag": etag(key.revision)})


@router.put(
    "/{key_id}",
    response_model=Answer[UserApiKeyRead],
    dependencies=[require(Permission.user_api_keys_manage), limited(API_KEY)],
    responses=documented(ApiKeyNotFound, StaleWrite, ExpiryInThePast, ForeignProjects),
)
async def update_key(
    access: CurrentAccess, key_id: EntityId, body: UserApiKeyUpdate, revision: IfMatch
) -> Response:
    """Change some fields of a key; absent fields stay as they are, `restrictions` are replaced as a whole."""
    key = await key_service.update_key(access, key_id, body, revision)
    answer = Answer(data=presentation.show(key, utc_now()), message="API key updated successfully")
    return json_response(answer, headers={"ETag": etag(key.revision)})


@router.post(
    "/{key_id}/rotate",
    response_model=Answer[UserApiKeyRotated],
    dependencies=[require(Permission.user_api_keys_manage), limited(API_KEY)],
    responses=documented(ApiKeyNotFound, ApiKeyRevoked),
)
async def rotate_key(access: CurrentAccess, key_id: EntityId) -> Response:
    """Give a key a new value, shown only in this answer; the old one stops working at once."""
    issued = await key_service.rotate_key(access, key_id)
    answer = Answer(data=presentation.show_rotated(issued), message=f"API key rotated successfully. {_NEW}")
    return json_response(answer, headers={"ETag": etag(issued.key.revision)})


@router.delete(
    "/{key_id}",
    response_model=Succeeded,
    dependencies=[require(Permission.user_api_keys_manage), limited(API_KEY)],
    responses=documented(ApiKeyNotFound, StaleWrite),
)
async def revoke_key(access: CurrentAccess, key_id: EntityId, revision: IfMatch) -> Response:
    """End a key for good. It stays in the list, inactive."""
    await key_service.revoke_key(access, key_id, revision)
    return json_response(Succeeded(message="API key revoked successfully"))


@router.get(
    "/{key_id}/usage",
    response_model=Answer[UserApiKeyUsage],
    dependencies=[require(Permission.user_api_keys_read), limited(GENERAL)],
    responses=documented(ApiKeyNotFound),
)
async def get_usage(access: CurrentAccess, key_id: EntityId) -> Response:
    """How often a key was used, and what is left of today's limit."""
    key = await key_service.get_key(access, key_id)
    return json_response(Answer(data=presentation.show_usage(key, utc_now())))
