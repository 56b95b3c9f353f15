"""The routes of the areas that are not there: a few reads that answer something empty, and the table's 501."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Depends
from starlette.responses import Response

from crafter.absent.errors import JobNotFound
from crafter.absent.schemas import (
    ChannelsRead,
    EnabledChannels,
    JobList,
    KnowledgeStats,
    KnowledgeStatsRead,
    MailAccountList,
    Switch,
    VectorConfigurationList,
    VectorProviderList,
)
from crafter.absent.table import (
    AREAS,
    CHANNELS,
    MAIL_ACCOUNTS,
    PERMISSIONS,
    RAG,
    TEMPLATES,
    VECTOR_DATABASES,
    Area,
    Within,
)
from crafter.absent.vector_providers import VECTOR_PROVIDERS
from crafter.agents.dependencies import CurrentAgent, get_agent
from crafter.agents.errors import AgentNotFound
from crafter.auth.dependencies import signed_in
from crafter.core.access import public
from crafter.core.errors import NotBuilt, documented
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import require
from crafter.organizations.permissions import Permission, Role
from crafter.projects.dependencies import get_project
from crafter.projects.errors import ProjectNotFound

router = feature_router("", tag="Not implemented")

_IN_PROJECT, _IN_AGENT = Depends(get_project), Depends(get_agent)
_OFF, _ON = Switch(enabled=False), Switch(enabled=True)


@router.get(
    f"{RAG}/stats",
    response_model=KnowledgeStatsRead,
    dependencies=[require(Permission.projects_read), _IN_PROJECT],
    responses=documented(ProjectNotFound),
)
async def get_knowledge_stats() -> Response:
    """How much of the project is indexed: nothing."""
    stats = KnowledgeStats(total_documents=0, indexed_range=None)
    return json_response(KnowledgeStatsRead(success=True, stats=stats))


@router.get(
    f"{RAG}/jobs",
    response_model=JobList,
    dependencies=[require(Permission.projects_read), _IN_PROJECT],
    responses=documented(ProjectNotFound),
)
async def list_jobs() -> Response:
    """The indexing jobs of the project: none."""
    return json_response(JobList(success=True, jobs=[], total=0))


@router.get(
    f"{RAG}/jobs/{{job_id}}",
    status_code=404,
    response_class=Response,
    dependencies=[require(Permission.projects_read), _IN_PROJECT],
    responses=documented(ProjectNotFound, JobNotFound),
)
async def get_job() -> None:
    """One indexing job: there is none."""
    raise JobNotFound(success=False)


@router.get("/vector-databases/providers", response_model=VectorProviderList, dependencies=[signed_in])
async def list_vector_providers() -> Response:
    """The kinds of vector databases that LLM Crafter knows, with the fields of their configuration."""
    return json_response(VectorProviderList(success=True, providers=VECTOR_PROVIDERS))


@router.get(
    VECTOR_DATABASES,
    response_model=VectorConfigurationList,
    dependencies=[require(Permission.projects_manage), _IN_PROJECT],
    responses=documented(ProjectNotFound),
)
async def list_vector_databases() -> Response:
    """The vector databases of the project: none."""
    return json_response(VectorConfigurationList(success=True, configurations=[]))


@router.get(
    CHANNELS,
    response_model=ChannelsRead,
    dependencies=[require(Permission.agents_read)],
    responses=documented(AgentNotFound),
)
async def get_channels(agent: CurrentAgent) -> Response:
    """The channels of an agent: its website only."""
    channels = ChannelsRead(
        agent=agent.id,
        whatsapp=_OFF,
        telegram=_OFF,
        email=_OFF,
        instagram=_OFF,
        messenger=_OFF,
        website=_ON,
    )
    return json_response(channels)


@router.get(
    f"{CHANNELS}/enabled",
    response_model=EnabledChannels,
    dependencies=[require(Permission.agents_read)],
    responses=documented(AgentNotFound),
)
async def list_enabled_channels(agent: CurrentAgent) -> Response:
    """The channels of an agent that are on: its website."""
    return json_response(EnabledChannels(agent_id=agent.id, enabled_channels=["website"]))


@router.get(
    TEMPLATES,
    response_model=list[dict[str, Any]],
    dependencies=[require(Permission.agents_read), _IN_AGENT],
    responses=documented(AgentNotFound),
)
async def list_templates() -> Response:
    """The templates of an agent: none."""
    return json_response([])


@router.get(
    MAIL_ACCOUNTS,
    response_model=MailAccountList,
    dependencies=[require(Permission.agents_read), _IN_AGENT],
    responses=documented(AgentNotFound),
)
async def list_mail_accounts() -> Response:
    """The mail accounts of an agent: none."""
    return json_response(MailAccountList(count=0, accounts=[]))


def _refuse(area: Area) -> Callable[[], Awaitable[None]]:
    async def refuse() -> None:
        raise NotBuilt(area.sentence, **area.details)

    return refuse


def _admit(area: Area, role: Role | None) -> list[Any]:
    """Whom a route would admit, and then what must exist: whoever may not see that learns nothing."""
    if role is None:
        return [public]
    gate = require(PERMISSIONS[area.within][role])
    return [gate, _IN_PROJECT if area.within is Within.project else _IN_AGENT]


for _area in AREAS:
    for _method, _path, _role in _area.routes:
        router.add_api_route(
            _area.path + _path,
            _refuse(_area),
            methods=[_method],
            tags=[_area.tag],
            status_code=501,
            response_class=Response,
            dependencies=_admit(_area, _role),
            responses=documented(NotBuilt),
            summary="Not implemented",
            description=_area.sentence,
        )
