"""What the ``model`` of a request can name: an agent, or a model that one of the project's keys can ask."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crafter.agents import service as agent_service
from crafter.agents.documents import Agent
from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.core.tenancy import Scope
from crafter.openai_api.errors import ModelNotFound
from crafter.organizations.errors import RoleTooLow
from crafter.organizations.permissions import Permission
from crafter.organizations.service import Access
from crafter.platform_access import service as platform_access
from crafter.platform_access.errors import ScopeMissing
from crafter.projects.documents import Project
from crafter.providers import service as provider_service

AGENT = "agent:"
OWNER_OF_AGENTS = "crafter"

_NEAREST = 3


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model, and the key with which it is asked."""

    name: str
    provider: str
    key: ApiKey
    since: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of the list of models."""

    id: str
    owner: str
    since: datetime


Subject = Agent | ServedModel


async def find_subject(access: Access, project: Project, name: str) -> Subject:
    """What a name names; an agent also goes by its plain id. Raises ModelNotFound and ScopeMissing."""
    if name.startswith(AGENT):
        return await _find_agent(access, project, name.removeprefix(AGENT))
    served = await _served_models(project.scope)
    if name in served:
        platform_access.check_permission(access, Permission.prompts_run)
        return served[name]
    agent = await agent_service.find_active(project.scope, name)
    if agent is None or agent.id != name:
        raise ModelNotFound(_nearest(name, list(served)))
    platform_access.check_permission(access, _to_run(agent.type))
    return agent


async def list_subjects(access: Access, project: Project) -> list[Listed]:
    """All that the key may ask in a project: models by name, then agents by name."""
    listed: list[Listed] = []
    if _may(access, Permission.prompts_run):
        served = await _served_models(project.scope)
        listed += [
            Listed(name, model.provider, model.since)
            for name, model in sorted(served.items())
            if name == model.name
        ]
    listed += [
        Listed(f"{AGENT}{row['name']}", OWNER_OF_AGENTS, row.get("createdAt") or project.created_at)
        for row in await agent_service.list_active(project.scope)
        if _may(access, _to_run(row.get("type", "chatbot")))
    ]
    return listed


async def describe_subject(access: Access, project: Project, name: str) -> Listed:
    """One entry of the list, by any name that can be asked. Raises ModelNotFound, also for what the key may not ask."""
    try:
        subject = await find_subject(access, project, name)
    except (ScopeMissing, RoleTooLow):
        raise ModelNotFound from None
    if isinstance(subject, Agent):
        return Listed(name, OWNER_OF_AGENTS, subject.created_at)
    return Listed(name, subject.provider, subject.since)


async def _find_agent(access: Access, project: Project, name: str) -> Agent:
    agent = await agent_service.find_active(project.scope, name)
    if agent is None:
        names = [f"{AGENT}{row['name']}" for row in await agent_service.list_active(project.scope)]
        raise ModelNotFound(_nearest(f"{AGENT}{name}", names))
    platform_access.check_permission(access, _to_run(agent.type))
    return agent


async def _served_models(scope: Scope) -> Mapping[str, ServedModel]:
    """Every model that a usable key can ask, by its name, and by ``<provider>/<name>``.

    Of several keys a provider's default one is taken, or else the newest; so it is with models of one name at several
    providers.
    """
    keys = await api_key_service.list_usable(scope)
    providers = await provider_service.find_providers(key.provider for key in keys)
    served: dict[str, ServedModel] = {}
    for key in keys:
        provider = providers.get(key.provider)
        if provider is None:
            continue
        for model in provider.models:
            found = ServedModel(model, provider.name, key, provider.created_at)
            served.setdefault(model, found)
            served.setdefault(f"{provider.name}/{model}", found)
    return served


def _to_run(kind: str) -> Permission:
    """What it takes to run an agent of a kind, as on the surface for programs."""
    return Permission.agents_chat if kind == "chatbot" else Permission.agents_execute


def _may(access: Access, permission: Permission) -> bool:
    try:
        platform_access.check_permission(access, permission)
    except (ScopeMissing, RoleTooLow):
        return False
    return True


def _nearest(name: str, names: Sequence[str]) -> list[str]:
    return difflib.get_close_matches(name[:200], names, n=_NEAREST)
