"""Every query and every rule about prompts and their versions."""

from collections.abc import Awaitable, Callable
from typing import Any

from pymongo.errors import DuplicateKeyError

from crafter.api_keys import service as api_key_service
from crafter.core.etags import revision_filter, stale
from crafter.core.pagination import NumberedPage
from crafter.core.references import find_dependants
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now
from crafter.organizations.service import Access
from crafter.projects import service as project_service
from crafter.projects.documents import Project
from crafter.projects.errors import ProjectNotFound
from crafter.prompts.documents import Prompt
from crafter.prompts.errors import (
    InvalidPromptModel,
    PromptInUse,
    PromptNameTaken,
    PromptNotFound,
)
from crafter.prompts.schemas import (
    PromptCreate,
    PromptListQuery,
    PromptReference,
    PromptSummary,
    PromptUpdate,
)
from crafter.prompts.versions import service as version_service
from crafter.providers import service as provider_service

_BY_NAME = (("name", 1),)
_ATTEMPTS = 100

PromptDeleted = Callable[[Prompt], Awaitable[object]]
_when_prompt_deleted: list[PromptDeleted] = []


def when_prompt_deleted(react: PromptDeleted) -> None:
    """Have a feature above remove what belongs to a prompt; called with the prompt that was deleted."""
    if react not in _when_prompt_deleted:
        _when_prompt_deleted.append(react)


async def create_prompt(access: Access, project_id: str, new: PromptCreate) -> Prompt:
    """Make a prompt. Raises ProjectNotFound and PromptNameTaken; the unique index decides between racers."""
    project = await _get_project(access, project_id)
    prompt = Prompt(
        organization=project.organization, project=project.id, **new.model_dump(exclude_none=True)
    )
    prompt.version_created_at = prompt.created_at
    try:
        await Prompt.within(prompt.scope).insert(prompt.to_stored())
    except DuplicateKeyError:
        raise PromptNameTaken from None
    return prompt


async def get_prompt(scope: Scope, prompt_id: str) -> Prompt:
    """One prompt of the project. Raises PromptNotFound, also for another project's."""
    return await _get_one(scope, {"_id": prompt_id})


async def get_by_name(scope: Scope, name: str) -> Prompt:
    """The prompt of that name, in whatever case it is written. Raises PromptNotFound."""
    return await _get_one(scope, {"name": name.lower()})


async def list_prompts(
    scope: Scope, query: PromptListQuery, page: NumberedPage
) -> tuple[list[PromptSummary], int]:
    """A page of a project's prompts by name, and how many there are (counted up to 10,000)."""
    where: dict[str, Any] = {}
    if query.name:
        where["name"] = {"$gte": query.name, "$lt": query.name + "\U0010ffff"}
    if query.tags:
        where["tags"] = {"$in" if query.match == "any" else "$all": query.tags}
    if query.is_template is not None:
        where["is_template"] = True if query.is_template else {"$in": [False, None]}
    prompts = Prompt.within(scope)
    rows = await prompts.find(
        where, fields=PromptSummary.fields(), sort=_BY_NAME, skip=page.skip, limit=page.limit
    )
    return [PromptSummary.from_stored(row) for row in rows], await prompts.count(where)


async def list_references(scope: Scope, *, limit: int = 1_000) -> list[PromptReference]:
    """A project's prompts in short, by name."""
    rows = await Prompt.within(scope).find({}, fields=PromptReference.fields(), sort=_BY_NAME, limit=limit)
    return [PromptReference.from_stored(row) for row in rows]


async def update_prompt(scope: Scope, prompt_id: str, changes: PromptUpdate, revision: int | None) -> Prompt:
    """Change some fields; content that is sent makes a new version, and the one before is kept.

    The change is stored only on the version that was kept, so none is lost or kept twice; who comes second makes
    the next one. Raises PromptNotFound, StaleWrite, ApiKeyNotFound and InvalidPromptModel.
    """
    prompt = await get_prompt(scope, prompt_id)
    await _check_key(scope, changes)
    for _ in range(_ATTEMPTS):
        if revision is not None and prompt.revision != revision:
            break
        where: dict[str, Any] = {"_id": prompt_id, **revision_filter(revision)}
        fields = _changed_fields(changes)
        if changes.content is not None:
            await version_service.keep(prompt)
            where["version"] = prompt.version if prompt.version != 1 else {"$in": [1, None]}
            fields |= {"version": prompt.version + 1, "version_created_at": utc_now()}
        raw = await Prompt.within(scope).change_one(where, {"$set": fields})
        if raw is not None:
            return Prompt.from_stored(raw)
        prompt = await get_prompt(scope, prompt_id)
    raise stale(prompt.revision)


async def list_dependants(prompt: Prompt) -> list[dict[str, Any]]:
    """Who takes the prompt for their own: ``[{"type", "count", "items": [{"id", "name"}]}]``."""
    return await find_dependants(prompt.scope, Prompt.Settings.name, prompt.id)


async def delete_prompt(prompt: Prompt, revision: int | None, *, force: bool) -> None:
    """Delete a prompt, and what belongs to it. Raises StaleWrite, PromptNotFound and, unless forced, PromptInUse."""
    if not force and (dependants := await list_dependants(prompt)):
        raise PromptInUse(dependants=dependants)
    if not await Prompt.within(prompt.scope).delete_one({"_id": prompt.id, **revision_filter(revision)}):
        raise stale((await get_prompt(prompt.scope, prompt.id)).revision)
    await version_service.forget(prompt)
    for react in _when_prompt_deleted:
        await react(prompt)


async def _get_one(scope: Scope, where: dict[str, Any]) -> Prompt:
    raw = await Prompt.within(scope).find_one(where)
    if raw is None:
        raise PromptNotFound
    return Prompt.from_stored(raw)


async def _get_project(access: Access, project_id: str) -> Project:
    try:
        return await project_service.get_project(access, project_id)
    except ProjectNotFound:
        raise ProjectNotFound("Project not found in this organization") from None


async def _check_key(scope: Scope, changes: PromptUpdate) -> None:
    if not changes.api_key:
        return
    key = await api_key_service.get_key(scope, changes.api_key)
    model = changes.llm_settings.model if changes.llm_settings else None
    if not model:
        return
    provider = (await provider_service.find_providers([key.provider])).get(key.provider)
    if provider is None or not provider_service.offers(provider, model):
        raise InvalidPromptModel(nearest=provider_service.nearest_models(provider, model) if provider else [])


def _changed_fields(changes: PromptUpdate) -> dict[str, Any]:
    """What to set: of the settings, the model alone or the parameters as a whole."""
    fields = changes.model_dump(exclude_none=True)
    settings = fields.pop("llm_settings", {})
    return fields | {f"llm_settings.{name}": value for name, value in settings.items()}
