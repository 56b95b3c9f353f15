"""Running prompts on the wire."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import ContractBody, Resource, ResponseBody, says
from crafter.edge.strict_json import check_free_object
from crafter.prompt_execution.documents import (
    ExecutionError,
    ExecutionMetadata,
    ExecutionStatus,
    ExecutionUsage,
)
from crafter.prompts.schemas import LlmSettingsInput, TemplateText

Variables = Annotated[
    dict[str, Any],
    Field(examples=[{"name": "Ada"}]),
    says("Variables must be an object"),
    AfterValidator(check_free_object),
]


class ExecuteBody(ContractBody):
    """The values of the prompt's variables."""

    variables: Variables = Field(default_factory=dict)


class TrialBody(ContractBody):
    """A prompt that is not stored, and with what to try it. What is missing is answered with a sentence of its own."""

    content: TemplateText | None = Field(None, examples=["Say hello to {{name}}."])
    system_prompt: TemplateText | None = None
    llm_settings: LlmSettingsInput | None = None
    api_key_id: Annotated[str, Field(max_length=64)] | None = None
    variables: Variables = Field(default_factory=dict)


class UsageRead(ResponseBody):
    """What a run took: tokens, and dollars. An answer from the cache does not tell ``cached_tokens``."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: OmitNone[int] = None
    cost: float


class ExecutionAnswer(ResponseBody):
    """What the model said, now or before; ``usage`` is what that took."""

    execution_id: EntityId
    result: str
    usage: UsageRead
    cached: bool


class TrialAnswer(ResponseBody):
    """What the model said to a prompt that was tried out."""

    result: str
    usage: UsageRead
    finish_reason: str
    cached: bool


class ExecutionRead(Resource):
    """One run of a prompt."""

    prompt: EntityId
    project: EntityId
    api_key: OmitNone[EntityId] = None
    usage: ExecutionUsage = Field(default_factory=ExecutionUsage)
    metadata: ExecutionMetadata = Field(default_factory=ExecutionMetadata)
    status: ExecutionStatus
    error: OmitNone[ExecutionError] = None
    prompt_version: OmitNone[int] = None
    user: OmitNone[EntityId] = None
    latency_ms: OmitNone[int] = None
    usage_estimated: OmitNone[bool] = None
    cost_unknown: OmitNone[bool] = None


class ExecutionPage(ResponseBody):
    """A page of a prompt's history, and how many runs there are, counted up to 10,000."""

    total: int
    page: int
    limit: int
    executions: list[ExecutionRead]
