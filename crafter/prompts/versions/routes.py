"""``…/prompts/{prompt_id}/versions`` and ``…/labels``: what a prompt was, and what its versions are called."""

from typing import Annotated

from fastapi import Depends, Path, Query
from starlette.responses import Response

from crafter.core.errors import ValidationFailed, documented
from crafter.core.etags import etag
from crafter.core.pagination import CursorPage, cursor_page, page_body
from crafter.core.runtime import CurrentRuntime
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import require
from crafter.organizations.permissions import Permission
from crafter.prompts import presentation
from crafter.prompts.dependencies import CurrentPrompt
from crafter.prompts.errors import (
    InvalidTemplate,
    LabelNotFound,
    PromptNotFound,
    PromptVersionNotFound,
    RenderingTooLarge,
    TooLongToCompare,
    TooManyLabels,
)
from crafter.prompts.rendering import render_prompt
from crafter.prompts.schemas import (
    Label,
    LabelBody,
    PromptDifference,
    PromptRead,
    PromptVersionPage,
    PromptVersionRead,
    RenderBody,
    RenderedRead,
)
from crafter.prompts.versions import service as version_service
from crafter.prompts.versions.comparing import compare

router = feature_router(
    "/organizations/{organization_id}/projects/{project_id}/prompts/{prompt_id}", tag="Prompts"
)

VersionNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]
OtherNumber = Annotated[
    int | None,
    Query(ge=1, le=2**31 - 1, description="The version before the changes; by default the one before."),
]


@router.get(
    "/versions",
    response_model=PromptVersionPage,
    dependencies=[require(Permission.prompts_read)],
    responses=documented(PromptNotFound, ValidationFailed),
)
async def list_versions(
    prompt: CurrentPrompt, page: Annotated[CursorPage, Depends(cursor_page)], runtime: CurrentRuntime
) -> Response:
    """Every version of a prompt without its texts, the newest first."""
    versions, following = await version_service.list_versions(prompt, page, runtime.cursors)
    return json_response(page_body(presentation.show_versions(prompt, versions), next_cursor=following))


@router.get(
    "/versions/{version_number}",
    response_model=PromptVersionRead,
    dependencies=[require(Permission.prompts_read)],
    responses=documented(PromptNotFound, PromptVersionNotFound),
)
async def get_version(prompt: CurrentPrompt, version_number: VersionNumber) -> Response:
    """One version of a prompt, with its texts."""
    version = await version_service.get_version(prompt, version_number)
    return json_response(presentation.show_version(prompt, version))


@router.get(
    "/versions/{version_number}/diff",
    response_model=PromptDifference,
    dependencies=[require(Permission.prompts_read)],
    responses=documented(PromptNotFound, PromptVersionNotFound, TooLongToCompare),
)
async def compare_versions(
    prompt: CurrentPrompt, version_number: VersionNumber, against: OtherNumber = None
) -> Response:
    """What has changed since another version: the texts as unified diffs, and the names of what else differs."""
    later = await version_service.get_version(prompt, version_number)
    earlier = await version_service.get_version(prompt, against or max(1, version_number - 1))
    return json_response(await compare(earlier, later))


@router.post(
    "/versions/{version_number}/render",
    response_model=RenderedRead,
    dependencies=[require(Permission.prompts_read)],
    responses=documented(
        PromptNotFound, PromptVersionNotFound, ValidationFailed, InvalidTemplate, RenderingTooLarge
    ),
)
async def render_version(prompt: CurrentPrompt, version_number: VersionNumber, body: RenderBody) -> Response:
    """The texts of a version, filled in. No model is asked, and nothing is stored."""
    version = await version_service.at_version(prompt, version_number)
    rendered = render_prompt(version, body.variables)
    return json_response(
        RenderedRead(number=version_number, content=rendered.content, system_prompt=rendered.system_prompt)
    )


@router.put(
    "/labels/{label}",
    response_model=PromptRead,
    dependencies=[require(Permission.prompts_manage)],
    responses=documented(PromptNotFound, PromptVersionNotFound, TooManyLabels),
)
async def set_label(prompt: CurrentPrompt, label: Annotated[Label, Path()], body: LabelBody) -> Response:
    """Give a version a label. It moves there at once from the version that had it."""
    labelled = await version_service.set_label(prompt, label, body.version)
    return json_response(presentation.show(labelled), headers={"ETag": etag(labelled.revision)})


@router.delete(
    "/labels/{label}",
    response_model=PromptRead,
    dependencies=[require(Permission.prompts_manage)],
    responses=documented(PromptNotFound, LabelNotFound),
)
async def remove_label(prompt: CurrentPrompt, label: Annotated[Label, Path()]) -> Response:
    """Take a label away."""
    unlabelled = await version_service.remove_label(prompt, label)
    return json_response(presentation.show(unlabelled), headers={"ETag": etag(unlabelled.revision)})
