"""A project with its content on the wire."""

from typing import Any, Literal

from pydantic import Field

from crafter.core.documents import OmitNone
from crafter.projects.schemas import ProjectRead
from crafter.prompts.schemas import PromptReference

Include = Literal["credentials", "prompts", "agents", "tools"]


class ProjectOverview(ProjectRead):
    """A project, its provider keys and its prompts; agents and tools when they are asked for."""

    api_keys: list[dict[str, Any]] = Field(alias="apiKeys")
    prompts: list[PromptReference]
    agents: OmitNone[list[dict[str, Any]]] = None
    tools: OmitNone[list[dict[str, Any]]] = None
