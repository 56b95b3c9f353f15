"""``/proxy``: running prompts, trying them out, and their history."""

from typing import Annotated

from fastapi import Depends, Path
from starlette.responses import Response

from crafter.api_keys.errors import NOT_USABLE, CredentialLimited
from crafter.auth.dependencies import CurrentUser, signed_in
from crafter.budgets.errors import BUDGET_REFUSALS
from crafter.calling.dependencies import CurrentModels
from crafter.calling.errors import CapabilityMissing, ModelRetired
from crafter.core.errors import CrafterError, UpstreamFailed, UpstreamTimedOut, ValidationFailed, documented
from crafter.core.ids import EntityId
from crafter.core.pagination import NumberedPage, numbered_page
from crafter.core.runtime import CurrentRuntime
from crafter.edge.rate_limits import GENERAL, PROXY, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.errors import RoleTooLow
from crafter.organizations.permissions import Permission
from crafter.prompt_execution import running, trial
from crafter.prompt_execution import service as execution_service
from crafter.prompt_execution.errors import (
    ContentRequired,
    ExecutionInterrupted,
    KeyIdRequired,
    ModelRequired,
    PromptKeyNotConfigured,
    PromptNotConfigured,
    TrialKeyInactive,
    TrialKeyNotFound,
)
from crafter.prompt_execution.schemas import (
    ExecuteBody,
    ExecutionAnswer,
    ExecutionPage,
    TrialAnswer,
    TrialBody,
)
from crafter.prompts import service as prompt_service
from crafter.prompts.dependencies import AskedLabel, AskedVersion, CurrentPrompt
from crafter.prompts.errors import (
    InvalidTemplate,
    LabelNotFound,
    PromptNotFound,
    PromptVersionNotFound,
    RenderingTooLarge,
)
from crafter.prompts.schemas import NAME_LENGTH
from crafter.prompts.versions import service as version_service

router = feature_router("/proxy", tag="Running prompts")

_IN_PROJECT = "/organizations/{organization_id}/projects/{project_id}"
_REFUSALS: tuple[type[CrafterError], ...] = (
    ValidationFailed,
    ModelRequired,
    InvalidTemplate,
    RenderingTooLarge,
    *NOT_USABLE,
    CapabilityMissing,
    ModelRetired,
    UpstreamFailed,
    UpstreamTimedOut,
    CredentialLimited,
    *BUDGET_REFUSALS,
)


@router.post(
    f"{_IN_PROJECT}/execute/{{prompt_name}}",
    response_model=ExecutionAnswer,
    dependencies=[require(Permission.prompts_run), limited(PROXY)],
    responses=documented(
        PromptNotFound,
        LabelNotFound,
        PromptVersionNotFound,
        PromptNotConfigured,
        PromptKeyNotConfigured,
        *_REFUSALS,
        ExecutionInterrupted,
    ),
)
async def execute_prompt(
    access: CurrentAccess,
    project_id: EntityId,
    prompt_name: Annotated[str, Path(min_length=1, max_length=NAME_LENGTH)],
    body: ExecuteBody,
    runtime: CurrentRuntime,
    models: CurrentModels,
    label: AskedLabel = None,
    version: AskedVersion = None,
) -> Response:
    """Fill in a prompt and have the model answer it. The same request again is answered from the cache."""
    prompt = await prompt_service.get_by_name(access.in_project(project_id), prompt_name)
    prompt = await version_service.chosen(prompt, label, version)
    run = await running.prepare(runtime, models, prompt, access.user.id, body.variables)
    return json_response(await running.execute(runtime, run))


@router.post(
    "/test-prompt",
    response_model=TrialAnswer,
    dependencies=[signed_in, limited(PROXY)],
    responses=documented(
        ContentRequired, KeyIdRequired, TrialKeyNotFound, TrialKeyInactive, RoleTooLow, *_REFUSALS
    ),
)
async def try_prompt(
    user: CurrentUser, body: TrialBody, runtime: CurrentRuntime, models: CurrentModels
) -> Response:
    """Try out a prompt that is not stored, with a key of a project of yours. Nothing is kept."""
    return json_response(await trial.try_prompt(runtime, models, user, body))


@router.get(
    f"{_IN_PROJECT}/prompts/{{prompt_id}}/executions",
    response_model=ExecutionPage,
    dependencies=[require(Permission.prompts_read), limited(GENERAL)],
    responses=documented(PromptNotFound),
)
async def list_executions(
    prompt: CurrentPrompt, page: Annotated[NumberedPage, Depends(numbered_page())]
) -> Response:
    """The history of a prompt, the newest run first."""
    executions, total = await execution_service.list_executions(prompt, page)
    return json_response(ExecutionPage(total=total, page=page.page, limit=page.limit, executions=executions))
