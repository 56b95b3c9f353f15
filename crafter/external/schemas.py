"""What programs are told about agents, projects and their key."""

from typing import Literal

from pydantic import Field, computed_field

from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import ResponseBody
from crafter.user_api_keys.schemas import RestrictionsRead, UsageRead


class AgentSummary(ResponseBody):
    """An agent in a list."""

    id: EntityId = Field(validation_alias="_id")
    name: str
    description: OmitNone[str] = None
    type: str
    version: int = 1
    is_active: bool = True


class ToolSummary(ResponseBody):
    """A tool of an agent, without its settings."""

    name: str
    description: str
    enabled: bool = True


class KeySummary(ResponseBody):
    """The provider key that an agent works with: what it is called, and whose it is."""

    name: str
    provider: str


class AgentDetails(AgentSummary):
    """An agent, its tools, and its provider; ``api_key`` is null where the key was deleted."""

    tools: list[ToolSummary]
    api_key: KeySummary | None


class ProjectSummary(ResponseBody):
    """A project in a list."""

    stored_id: EntityId = Field(alias="_id")
    name: str
    description: OmitNone[str] = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """The same as ``_id``."""
        return self.stored_id


class ProjectAccess(ResponseBody):
    """That a project is there for the key."""

    id: EntityId
    organization: EntityId
    accessible: Literal[True] = True


class KeyUsageRead(ResponseBody):
    """How often the key was used, and what is left of today's limit; null where there is none."""

    api_key_id: EntityId
    usage: UsageRead
    restrictions: RestrictionsRead
    daily_limit_remaining: int | None
