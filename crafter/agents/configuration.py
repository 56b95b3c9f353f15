"""The settings inside an agent, the same in the database and on the wire, with the contract's defaults."""

from typing import Literal

from pydantic import Field

from crafter.core.documents import OmitNone, Stored
from crafter.core.ids import EntityId
from crafter.core.schemas import Number

HANDOFF_MESSAGE = (
    "I understand this requires specialized assistance. Let me connect you with one of our team members who"
    " can better help you with this. Please wait a moment."
)
FALLBACK_PROMPT = (
    "The human operator has not joined yet. Politely let the user know you are still waiting for an operator"
    " to connect, apologise for the delay, and offer to help with anything you can in the meantime."
)

ContextWindowStrategy = Literal["truncate", "summarize", "sliding"]
ThinkingDepth = Literal["basic", "detailed", "verbose"]


class GenerationParameters(Stored):
    """How a model generates: sampling, and at most how many tokens."""

    temperature: Number = 0.7
    max_tokens: int = 1_000
    top_p: Number = 1
    frequency_penalty: Number = 0
    presence_penalty: Number = 0


class LlmSettings(Stored):
    """Which model, and how it generates."""

    model: str
    parameters: GenerationParameters = Field(default_factory=GenerationParameters)


class GraphModels(Stored):
    """The models of the small agent graph; null is the agent's own."""

    planner_model: str | None = None
    responder_model: str | None = None
    critic_model: str | None = None


class PromptSections(Stored):
    """The parts of a system prompt, for agents that are written in sections."""

    identity_and_tone: str = ""
    tools_and_apis: str = ""
    conversation_flow: str = ""
    output_format: str = ""
    guardrails: str = ""
    domain_workflows: str = ""


class HandoffConfig(Stored):
    """When and how a conversation goes to a human. The webhook's secret is stored encrypted."""

    allow_agent_handoff: bool = True
    auto_handoff_triggers: list[str] = Field(default_factory=list)
    handoff_message_template: str = HANDOFF_MESSAGE
    max_failed_attempts: int = 3
    require_online_operator: bool = False
    webhook_url: str | None = None
    webhook_secret: str | None = None
    fallback_timeout_seconds: int | None = None
    fallback_prompt: str = FALLBACK_PROMPT
    max_fallback_attempts: int = 1


class AgentConfig(Stored):
    """How an agent works."""

    max_conversation_length: int = 50
    auto_end_after_minutes: int = 30
    context_window_strategy: ContextWindowStrategy = "truncate"
    timeout_seconds: int = 300
    max_tool_calls: int = 10
    enable_thinking: bool = True
    thinking_depth: ThinkingDepth = "basic"
    enable_streaming: bool = False
    enforce_language_detection: bool = True
    required_languages: list[str] = Field(default_factory=list)
    display_summary_prompt: str | None = None
    title_generation_prompt: str | None = None
    enable_small_agent_graph: bool = False
    graph_enable_critic: bool = True
    graph_models: GraphModels = Field(default_factory=GraphModels)
    prompt_sections: PromptSections = Field(default_factory=PromptSections)
    handoff_config: HandoffConfig = Field(default_factory=HandoffConfig)


class QuestionSuggestions(Stored):
    """Whether follow-up questions are suggested after an answer, and by which model."""

    enabled: bool = False
    count: int = 3
    api_key: OmitNone[EntityId] = None
    model: OmitNone[str] = None
    custom_prompt: OmitNone[str] = None


class AgentPrivacy(Stored):
    """Whether messages are encrypted, and how many days conversations are kept; null is for ever."""

    encrypt_messages: bool = False
    retention_days: int | None = None
