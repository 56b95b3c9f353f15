"""``/organizations/{organization_id}/projects/{project_id}/prompts``. Running one is in ``prompt_execution``.

Routes with a body take ids, not loaded documents: the contract wants what is wrong with the body said first.
"""

from typing import Annotated

from fastapi import Depends, Path, Query
from starlette.responses import Response

from crafter.api_keys.errors import ApiKeyNotFound
from crafter.core.errors import StaleWrite, ValidationFailed, documented
from crafter.core.etags import IfMatch, etag
from crafter.core.ids import EntityId
from crafter.core.pagination import NumberedPage, numbered_page
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission
from crafter.organizations.schemas import Done
from crafter.projects.dependencies import CurrentProject
from crafter.projects.errors import ProjectNotFound
from crafter.prompts import presentation
from crafter.prompts import service as prompt_service
from crafter.prompts.dependencies import AskedLabel, CurrentPrompt
from crafter.prompts.documents import Prompt
from crafter.prompts.errors import (
    InvalidPromptModel,
    LabelNotFound,
    PromptInUse,
    PromptNameTaken,
    PromptNotFound,
)
from crafter.prompts.schemas import (
    NAME_LENGTH,
    PromptCreate,
    PromptDependants,
    PromptListQuery,
    PromptPage,
    PromptRead,
    PromptUpdate,
)
from crafter.prompts.versions import service as version_service

router = feature_router("/organizations/{organization_id}/projects/{project_id}/prompts", tag="Prompts")

AskedName = Annotated[str, Path(min_length=1, max_length=NAME_LENGTH)]


@router.post(
    "",
    response_model=PromptRead,
    status_code=201,
    dependencies=[require(Permission.prompts_manage)],
    responses=documented(ProjectNotFound, ValidationFailed, PromptNameTaken),
)
async def create_prompt(access: CurrentAccess, project_id: EntityId, body: PromptCreate) -> Response:
    """Make a prompt. A key and a model are chosen by changing it."""
    return _answer(await prompt_service.create_prompt(access, project_id, body), 201)


@router.get(
    "",
    response_model=PromptPage,
    dependencies=[require(Permission.prompts_read)],
    responses=documented(ProjectNotFound, ValidationFailed),
)
async def list_prompts(
    project: CurrentProject,
    query: Annotated[PromptListQuery, Query()],
    page: Annotated[NumberedPage, Depends(numbered_page())],
) -> Response:
    """The prompts of a project without their texts, in the order of their names."""
    prompts, total = await prompt_service.list_prompts(project.scope, query, page)
    return json_response(PromptPage(total=total, page=page.page, limit=page.limit, prompts=prompts))


@router.get(
    "/by-name/{prompt_name}",
    response_model=PromptRead,
    dependencies=[require(Permission.prompts_read)],
    responses=documented(PromptNotFound, LabelNotFound),
)
async def get_prompt_by_name(
    access: CurrentAccess, project_id: EntityId, prompt_name: AskedName, label: AskedLabel = None
) -> Response:
    """The prompt of that name, upper and lower case being the same; with a label, as it was in that version."""
    prompt = await prompt_service.get_by_name(access.in_project(project_id), prompt_name)
    return _answer(prompt if label is None else await version_service.at_label(prompt, label))


@router.get(
    "/{prompt_id}",
    response_model=PromptRead,
    dependencies=[require(Permission.prompts_read)],
    responses=documented(PromptNotFound),
)
async def get_prompt(prompt: CurrentPrompt) -> Response:
    """One prompt, with the id of its key."""
    return _answer(prompt)


@router.put(
    "/{prompt_id}",
    response_model=PromptRead,
    dependencies=[require(Permission.prompts_manage)],
    responses=documented(PromptNotFound, ValidationFailed, ApiKeyNotFound, InvalidPromptModel, StaleWrite),
)
async def update_prompt(
    access: CurrentAccess, project_id: EntityId, prompt_id: EntityId, body: PromptUpdate, revision: IfMatch
) -> Response:
    """Change some fields of a prompt; absent ones stay as they are. Content that is sent makes a new version.

    The answer lists the agents that take their instructions from it: they follow the change.
    """
    prompt = await prompt_service.update_prompt(access.in_project(project_id), prompt_id, body, revision)
    shown = await presentation.show_with_key(prompt)
    shown.dependants = await prompt_service.list_dependants(prompt) or None
    return json_response(shown, headers={"ETag": etag(prompt.revision)})


@router.get(
    "/{prompt_id}/dependants",
    response_model=PromptDependants,
    dependencies=[require(Permission.prompts_read)],
    responses=documented(PromptNotFound),
)
async def list_dependants(prompt: CurrentPrompt) -> Response:
    """Who takes the prompt for their own; at most 20 of a kind are listed."""
    return json_response(PromptDependants(dependants=await prompt_service.list_dependants(prompt)))


@router.delete(
    "/{prompt_id}",
    response_model=Done,
    dependencies=[require(Permission.prompts_delete)],
    responses=documented(PromptNotFound, PromptInUse, StaleWrite),
)
async def delete_prompt(
    prompt: CurrentPrompt,
    revision: IfMatch,
    force: Annotated[bool, Query(description="Delete it although something still uses it.")] = False,
) -> Response:
    """Delete a prompt with its versions. What its executions cost stays in the statistics."""
    await prompt_service.delete_prompt(prompt, revision, force=force)
    return json_response(Done(message="Prompt deleted successfully"))


def _answer(prompt: Prompt, status: int = 200) -> Response:
    return json_response(presentation.show(prompt), status, {"ETag": etag(prompt.revision)})
