"""Agents on the wire."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    Json,
    StringConstraints,
    ValidationInfo,
    computed_field,
    field_validator,
    model_validator,
)

from crafter.agents.configuration import (
    AgentConfig,
    AgentPrivacy,
    LlmSettings,
    QuestionSuggestions,
)
from crafter.agents.documents import (
    MAX_FALLBACKS,
    MAX_TOOLS,
    MAX_TRANSFORMERS,
    AgentFallback,
    AgentStatus,
    AgentType,
    FallbackType,
    HookTrigger,
    HookType,
    InactivityCondition,
    TransformerFallback,
)
from crafter.agents.setting_schemas import (
    ConfigInput,
    LlmSettingsInput,
    LlmSettingsUpdate,
    PrivacyInput,
    Prompt,
    Secret,
    SuggestionsInput,
)
from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import ContractBody, IdentifiedResource, ResponseBody, Text, WireTime, says
from crafter.edge.strict_json import check_free_object

LIST_CAP = 1_000
PAGE_ROWS = 10
PAGE_CAP = 100
PROMPT_REQUIRED = "Is required, unless config.enable_small_agent_graph is true or there is a prompt"


def _different(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("The names of the tools must differ")
    return names


FreeObject = Annotated[dict[str, Any], AfterValidator(check_free_object)]
AgentName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[a-zA-Z0-9_-]+$"),
    Field(examples=["support-bot"]),
    says("Name can only contain letters, numbers, underscores, and hyphens, at most 100"),
]
ToolNames = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=100, examples=["calculator"])]],
    Field(max_length=MAX_TOOLS),
    AfterValidator(_different),
]


class TransformerFallbackInput(ContractBody):
    """What becomes of a match when the webhook fails."""

    type: FallbackType | None = None


class TransformerInput(ContractBody):
    """A webhook that rewrites what matches a pattern. The secret ``***`` stands for the stored one.

    What is missing of name, pattern and address is answered with a sentence of its own.
    """

    id: Annotated[str, Field(max_length=64)] | None = Field(None, alias="_id")
    name: Annotated[str, Field(max_length=100)] | None = None
    pattern: Annotated[str, Field(max_length=10_000)] | None = None
    webhook_url: Annotated[str, Field(max_length=2_048)] | None = None
    webhook_secret: Secret | None = None
    channels: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=32)] | None = None
    fallback: TransformerFallbackInput | None = None
    timeout_ms: Annotated[int, Field(ge=1, le=60_000)] | None = None
    enabled: bool | None = None


class FallbackInput(ContractBody):
    """Another key of the project, and the model that is asked with it where the agent's own fails."""

    api_key: EntityId
    model: Annotated[str, Field(min_length=1, max_length=200, examples=["gpt-4o"])]


class AgentInput(ContractBody):
    """What creating and changing have in common. ``metadata`` is any JSON of yours, at most 64 KiB."""

    clearable: ClassVar = frozenset({"metadata", "prompt", "prompt_variables"})

    description: Text | None = None
    config: ConfigInput | None = None
    tools: ToolNames | None = None
    question_suggestions: SuggestionsInput | None = None
    gdpr: PrivacyInput | None = None
    message_transformers: Annotated[list[TransformerInput], Field(max_length=MAX_TRANSFORMERS)] | None = None
    metadata: Any = Field(None, examples=[{"team": "support"}])
    prompt: EntityId | None = Field(
        None, description="A prompt of the project, whose texts take the place of `system_prompt`."
    )
    prompt_variables: FreeObject | None = Field(None, description="The values of that prompt's variables.")
    fallbacks: Annotated[list[FallbackInput], Field(max_length=MAX_FALLBACKS)] | None = Field(
        None, description="What is asked instead, in this order, where the agent's own key or model fails."
    )


class AgentCreate(AgentInput):
    """A new agent."""

    name: AgentName
    type: AgentType
    system_prompt: Annotated[Prompt, Field(examples=["You are a friendly support agent."])]
    api_key: EntityId
    llm_settings: LlmSettingsInput

    @model_validator(mode="before")
    @classmethod
    def _needs_none_beside_a_prompt(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("prompt") and data.get("system_prompt") is None:
            return {**data, "system_prompt": ""}
        return data

    @field_validator("system_prompt")
    @classmethod
    def _says_something(cls, prompt: str, info: ValidationInfo) -> str:
        config = info.data.get("config")
        elsewhere = info.data.get("prompt") or (config and config.enable_small_agent_graph)
        if not prompt.strip() and not elsewhere:
            raise ValueError(PROMPT_REQUIRED)
        return prompt


class AgentUpdate(AgentInput):
    """Some fields of an agent; absent ones stay as they are. The type cannot change."""

    name: AgentName | None = None
    system_prompt: Prompt | None = None
    api_key: EntityId | None = None
    llm_settings: LlmSettingsUpdate | None = None
    is_active: bool | None = None


class AgentSwitch(ContractBody):
    """Whether the agent is to work."""

    is_active: bool


class AgentListQuery(BaseModel):
    """Which agents to list, and in which order; without ``page`` and ``limit`` the first 1,000."""

    type: AgentType | None = None
    status: AgentStatus | None = None
    name: Annotated[str, Field(max_length=100)] | None = Field(None, description="How the name begins.")
    sort: Literal["name", "-createdAt"] = "-createdAt"
    page: int | None = Field(None, description="Page, from 1.")
    limit: int | None = Field(None, description="Rows per page, 1 to 100.")

    @property
    def rows(self) -> int:
        """How many agents at most."""
        if self.page is None and self.limit is None:
            return LIST_CAP
        return min(max(PAGE_ROWS if self.limit is None else self.limit, 1), PAGE_CAP)

    @property
    def skip(self) -> int:
        """How many agents come before."""
        return (min(max(self.page or 1, 1), 100_000) - 1) * self.rows


class Element(ResponseBody):
    """An element of an embedded array."""

    stored_id: Annotated[str, BeforeValidator(str), Field(alias="_id")]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """The same as ``_id``."""
        return self.stored_id


class AgentToolRead(Element):
    """A tool of an agent; the secrets among its parameters are masked."""

    name: str
    description: str
    parameters: OmitNone[dict[str, Any]] = None
    enabled: bool = True


class AgentHookRead(Element):
    """Something that happens beside a conversation; its secret is masked."""

    name: str
    enabled: bool = True
    type: HookType
    trigger: HookTrigger
    inactivity_seconds: int = 60
    inactivity_condition: InactivityCondition = "any"
    prompt: str | None = None
    model: str | None = None
    webhook_url: str | None = None
    webhook_secret: str | None = None
    context_messages: int = 5


class MessageTransformerRead(Element):
    """A webhook that rewrites what matches a pattern; its secret is masked."""

    name: str
    pattern: str
    webhook_url: str
    webhook_secret: OmitNone[str] = None
    channels: list[str] = Field(default_factory=list)
    fallback: TransformerFallback = Field(default_factory=TransformerFallback)
    timeout_ms: int = 5_000
    enabled: bool = True


class AgentRead(IdentifiedResource):
    """An agent. ``api_key`` is an id, or the key with its provider; an empty object when the key was deleted.

    Stored agents may lack newer fields: these have the defaults here that they have when an agent is made.
    """

    name: str
    description: OmitNone[str] = None
    type: AgentType
    organization: EntityId
    project: EntityId
    system_prompt: str = ""
    api_key: str | dict[str, Any]
    llm_settings: LlmSettings
    tools: list[AgentToolRead] = Field(default_factory=list)
    config: AgentConfig = Field(default_factory=AgentConfig)
    question_suggestions: QuestionSuggestions = Field(default_factory=QuestionSuggestions)
    is_active: bool = True
    version: int = 1
    message_transformers: list[MessageTransformerRead] = Field(default_factory=list)
    gdpr: AgentPrivacy = Field(default_factory=AgentPrivacy)
    hooks: list[AgentHookRead] = Field(default_factory=list)
    status: AgentStatus
    status_reason: OmitNone[str] = None
    metadata: OmitNone[Json[Any]] = None
    prompt: OmitNone[EntityId] = None
    prompt_variables: OmitNone[dict[str, Any]] = None
    fallbacks: OmitNone[list[AgentFallback]] = None


class StatusChangeRead(ResponseBody):
    """One change of an agent's status; the reason is null where a person made it."""

    from_status: AgentStatus = Field(alias="from")
    to: AgentStatus
    at: WireTime
    reason: str | None


class AgentStatusRead(ResponseBody):
    """How an agent is, since when, and the last 20 changes, newest first."""

    status: AgentStatus
    reason: str | None
    since: WireTime
    history: list[StatusChangeRead]


class SwitchedAgent(ResponseBody):
    """The agent that was switched on or off."""

    id: str
    name: str
    is_active: bool


class AgentSwitched(ResponseBody):
    """What was done, and to which agent."""

    success: bool
    message: str
    agent: SwitchedAgent
