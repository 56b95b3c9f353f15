"""``/external/…/prompts``: what programs do with prompts."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from crafter.api_keys.errors import NOT_USABLE, CredentialLimited
from crafter.budgets.errors import BUDGET_REFUSALS
from crafter.calling.dependencies import CurrentModels
from crafter.calling.errors import CapabilityMissing, ModelRetired
from crafter.core.errors import documented
from crafter.core.runtime import CurrentRuntime
from crafter.edge.rate_limits import PROXY, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.external.errors import ExecutionFailed, ExecutionTimedOut
from crafter.external.prompts.running import run_prompt
from crafter.external.prompts.schemas import PromptAnswer
from crafter.organizations.permissions import Permission
from crafter.platform_access.dependencies import KeyAccess, KeyProject, require_scope
from crafter.prompt_execution.errors import (
    ExecutionInterrupted,
    ModelRequired,
    PromptKeyNotConfigured,
    PromptNotConfigured,
)
from crafter.prompt_execution.schemas import ExecuteBody
from crafter.prompts import service as prompt_service
from crafter.prompts.dependencies import AskedLabel, AskedVersion
from crafter.prompts.errors import (
    InvalidTemplate,
    LabelNotFound,
    PromptNotFound,
    PromptVersionNotFound,
    RenderingTooLarge,
)
from crafter.prompts.schemas import NAME_LENGTH
from crafter.prompts.versions import service as version_service
from crafter.user_api_keys.schemas import Answer

router = feature_router(
    "/external/organizations/{organization_id}/projects/{project_id}/prompts", tag="For programs"
)


@router.post(
    "/{prompt_name}/execute",
    response_model=Answer[PromptAnswer],
    dependencies=[require_scope(Permission.prompts_run), limited(PROXY)],
    responses=documented(
        PromptNotFound,
        LabelNotFound,
        PromptVersionNotFound,
        PromptNotConfigured,
        PromptKeyNotConfigured,
        *NOT_USABLE,
        CredentialLimited,
        *BUDGET_REFUSALS,
        ModelRequired,
        InvalidTemplate,
        RenderingTooLarge,
        CapabilityMissing,
        ModelRetired,
        ExecutionFailed,
        ExecutionTimedOut,
        ExecutionInterrupted,
    ),
)
async def execute_prompt(
    access: KeyAccess,
    project: KeyProject,
    prompt_name: Annotated[str, Path(min_length=1, max_length=NAME_LENGTH)],
    body: ExecuteBody,
    runtime: CurrentRuntime,
    models: CurrentModels,
    label: AskedLabel = None,
    version: AskedVersion = None,
) -> Response:
    """Fill in a prompt and have the model answer it. The same request again is answered from the cache."""
    prompt = await prompt_service.get_by_name(project.scope, prompt_name)
    prompt = await version_service.chosen(prompt, label, version)
    return json_response(Answer(data=await run_prompt(runtime, models, access, prompt, body.variables)))
