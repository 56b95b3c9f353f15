"""The settings inside an agent, as callers send them: what is absent or null is not given."""

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from crafter.agents.configuration import ContextWindowStrategy, ThinkingDepth
from crafter.agents.webhooks import address_problem
from crafter.core.schemas import ContractBody, Text, integral


def _blank_is_none(value: Any) -> Any:
    return None if value == "" else value


def _web_address(address: str) -> str:
    if problem := address_problem(address):
        raise ValueError(f"Invalid address: {problem}")
    return address


Prompt = Annotated[str, Field(max_length=100_000)]
ModelName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    Field(examples=["gpt-4o-mini"]),
]
OptionalModelName = Annotated[Annotated[str, Field(max_length=200)] | None, BeforeValidator(_blank_is_none)]
WebAddress = Annotated[
    Annotated[str, Field(max_length=2_048), AfterValidator(_web_address)] | None,
    BeforeValidator(_blank_is_none),
]
Secret = Annotated[str, Field(max_length=512)]
Count = Annotated[int, Field(ge=0, le=100_000)]
Penalty = Annotated[float, Field(ge=-2, le=2), AfterValidator(integral)]


class ParametersInput(ContractBody):
    """How the model generates; replaced as a whole."""

    temperature: Annotated[float, Field(ge=0, le=2), AfterValidator(integral)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1), AfterValidator(integral)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None


class LlmSettingsUpdate(ContractBody):
    """The model, and how it generates; what is absent stays."""

    model: ModelName | None = None
    parameters: ParametersInput | None = None


class LlmSettingsInput(LlmSettingsUpdate):
    """The model, and how it generates."""

    model: ModelName


class GraphModelsInput(ContractBody):
    """The models of the small agent graph; replaced as a whole."""

    planner_model: OptionalModelName = None
    responder_model: OptionalModelName = None
    critic_model: OptionalModelName = None


class PromptSectionsInput(ContractBody):
    """The parts of a system prompt; replaced as a whole."""

    identity_and_tone: Prompt | None = None
    tools_and_apis: Prompt | None = None
    conversation_flow: Prompt | None = None
    output_format: Prompt | None = None
    guardrails: Prompt | None = None
    domain_workflows: Prompt | None = None


class HandoffInput(ContractBody):
    """When a conversation goes to a human; replaced as a whole. The secret ``***`` is the stored one."""

    allow_agent_handoff: bool | None = None
    auto_handoff_triggers: (
        Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=100)] | None
    ) = None
    handoff_message_template: Text | None = None
    max_failed_attempts: Count | None = None
    require_online_operator: bool | None = None
    webhook_url: WebAddress = None
    webhook_secret: Secret | None = None
    fallback_timeout_seconds: Annotated[int, Field(ge=10, le=86_400)] | None = None
    fallback_prompt: Text | None = None
    max_fallback_attempts: Annotated[int, Field(ge=1, le=1_000)] | None = None


class ConfigInput(ContractBody):
    """How the agent works; what is absent stays."""

    clearable: ClassVar = frozenset({"display_summary_prompt", "title_generation_prompt"})

    max_conversation_length: Count | None = None
    auto_end_after_minutes: Annotated[int, Field(ge=0, le=525_600)] | None = None
    context_window_strategy: ContextWindowStrategy | None = None
    timeout_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None
    max_tool_calls: Count | None = None
    enable_thinking: bool | None = None
    thinking_depth: ThinkingDepth | None = None
    enable_streaming: bool | None = None
    enforce_language_detection: bool | None = None
    required_languages: (
        Annotated[list[Annotated[str, Field(max_length=35)]], Field(max_length=100)] | None
    ) = None
    display_summary_prompt: Prompt | None = None
    title_generation_prompt: Prompt | None = None
    enable_small_agent_graph: bool | None = None
    graph_enable_critic: bool | None = None
    graph_models: GraphModelsInput | None = None
    prompt_sections: PromptSectionsInput | None = None
    handoff_config: HandoffInput | None = None


class SuggestionsInput(ContractBody):
    """Follow-up questions after an answer; what is absent stays, what is blank is removed."""

    clearable: ClassVar = frozenset({"custom_prompt"})

    enabled: bool | None = None
    count: Annotated[int, Field(ge=1, le=5)] | None = None
    api_key: Annotated[Annotated[str, Field(max_length=64)] | None, BeforeValidator(_blank_is_none)] = None
    model: OptionalModelName = None
    custom_prompt: Annotated[Prompt | None, BeforeValidator(_blank_is_none)] = None


class PrivacyInput(ContractBody):
    """Encryption and retention of conversations; what is absent stays."""

    clearable: ClassVar = frozenset({"retention_days"})

    encrypt_messages: bool | None = None
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
