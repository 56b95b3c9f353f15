"""What the reads of the areas that are not there answer: LLM Crafter's shapes, with nothing in them."""

from typing import Any, Literal

from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import ResponseBody


class KnowledgeStats(ResponseBody):
    """How much is indexed."""

    total_documents: int
    indexed_range: dict[str, int] | None


class KnowledgeStatsRead(ResponseBody):
    """How much of a project is indexed: nothing."""

    success: bool
    stats: KnowledgeStats


class JobList(ResponseBody):
    """The indexing jobs of a project: none."""

    success: bool
    jobs: list[dict[str, Any]]
    total: int


class ConfigField(ResponseBody):
    """A field of a form; web UIs build theirs from these."""

    type: Literal["string", "number"]
    required: OmitNone[bool] = None
    default: OmitNone[str | int] = None
    enum: OmitNone[list[str]] = None
    description: str


class VectorProvider(ResponseBody):
    """A kind of vector database."""

    id: str
    name: str
    description: str
    config_schema: dict[str, ConfigField]
    features: list[str]
    limitations: list[str]


class VectorProviderList(ResponseBody):
    """The kinds of vector databases that LLM Crafter knows."""

    success: bool
    providers: list[VectorProvider]


class VectorConfigurationList(ResponseBody):
    """The vector databases of a project: none."""

    success: bool
    configurations: list[dict[str, Any]]


class Switch(ResponseBody):
    """Whether a channel is on."""

    enabled: bool


class ChannelsRead(ResponseBody):
    """The channels of an agent: its website only."""

    agent: EntityId
    whatsapp: Switch
    telegram: Switch
    email: Switch
    instagram: Switch
    messenger: Switch
    website: Switch


class EnabledChannels(ResponseBody):
    """The channels of an agent that are on."""

    agent_id: EntityId
    enabled_channels: list[str]


class MailAccountList(ResponseBody):
    """The mail accounts of an agent: none."""

    count: int
    accounts: list[dict[str, Any]]
