"""Puts a project and what it holds together: one query for each kind."""

import asyncio
from collections.abc import Set as AbstractSet
from typing import Any

from crafter.agents import service as agent_service
from crafter.api_keys import service as api_key_service
from crafter.project_overview.schemas import Include, ProjectOverview
from crafter.projects.documents import Project
from crafter.prompts import service as prompt_service
from crafter.tools import service as tool_service


async def get_overview(project: Project, include: AbstractSet[Include]) -> ProjectOverview:
    """The project with its keys and prompts, as the web UI's pages read it, and with what else is asked for."""
    keys, prompts, agents, tools = await asyncio.gather(
        _api_keys(project),
        prompt_service.list_references(project.scope),
        agent_service.list_names(project.scope) if "agents" in include else _nothing(),
        tool_service.list_names() if "tools" in include else _nothing(),
    )
    fields = {**project.to_stored(), "apiKeys": keys, "prompts": prompts}
    return ProjectOverview.from_stored({**fields, "agents": agents, "tools": tools})


async def _api_keys(project: Project) -> list[dict[str, Any]]:
    keys = await api_key_service.list_keys(project.scope)
    return await api_key_service.show_populated(keys, full_provider=True)


async def _nothing() -> None:
    """Not asked for."""
