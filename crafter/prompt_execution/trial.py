"""Trying out a prompt that is not stored; nothing of it is kept."""

from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.calling.connection import connect
from crafter.calling.purposes import Purpose
from crafter.core.errors import UpstreamFailed
from crafter.core.runtime import Runtime
from crafter.llm.providers import ChatModels
from crafter.organizations import service as organization_service
from crafter.organizations.errors import NotAMember
from crafter.organizations.permissions import Permission
from crafter.prompt_execution.errors import (
    ContentRequired,
    KeyIdRequired,
    ModelRequired,
    TrialKeyInactive,
    TrialKeyNotFound,
    in_short,
)
from crafter.prompt_execution.running import build_request, usage_read
from crafter.prompt_execution.schemas import TrialAnswer, TrialBody
from crafter.prompts.rendering import render_texts
from crafter.prompts.settings import PromptParameters
from crafter.users.service import Identity

FAILED = "Failed to test prompt"


async def try_prompt(runtime: Runtime, models: ChatModels, user: Identity, body: TrialBody) -> TrialAnswer:
    """What the model says to a prompt.

    Raises ContentRequired, KeyIdRequired, ModelRequired, TrialKeyNotFound, RoleTooLow, TrialKeyInactive, what
    rendering and connecting raise, UpstreamFailed and EgressRefused.
    """
    if not body.content:
        raise ContentRequired
    if not body.api_key_id:
        raise KeyIdRequired
    settings = body.llm_settings
    if settings is None or not settings.model:
        raise ModelRequired
    key = await _key_of(user, body.api_key_id)
    if not key.is_active:
        raise TrialKeyInactive
    rendered = render_texts(body.content, body.system_prompt, body.variables)
    connection = await connect(key, settings.model, Purpose("trial", user=user.id), runtime, models)
    given = settings.parameters.given() if settings.parameters else {}
    request = build_request(settings.model, PromptParameters(**given), rendered)
    try:
        finished = await connection.model.complete(request)
    except UpstreamFailed as failure:
        raise in_short(failure, FAILED) from None
    return TrialAnswer(
        result=finished.text,
        usage=usage_read(finished.usage, connection.model.tally.cost),
        finish_reason=finished.finish_reason,
        cached=False,
    )


async def _key_of(user: Identity, key_id: str) -> ApiKey:
    """The key, wherever it is among what the person may use.

    One that is elsewhere looks like one that nobody has. Raises TrialKeyNotFound and RoleTooLow.
    """
    organizations = await organization_service.list_organizations(user)
    key = await api_key_service.find_key_among(organizations, key_id)
    if key is None:
        raise TrialKeyNotFound
    try:
        access = await organization_service.get_access(key.organization, user)
    except NotAMember:
        raise TrialKeyNotFound from None
    organization_service.check_role(access, Permission.prompts_run)
    return key
