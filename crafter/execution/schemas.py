"""A turn on the wire."""

from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, Field

from crafter.conversations.schemas import MessageText, UserIdentifier
from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import ContractBody, ResponseBody
from crafter.edge.strict_json import check_free_object

FreeObject = Annotated[dict[str, Any], AfterValidator(check_free_object)]
"""An object of the caller's own making."""


class Question(ContractBody):
    """What somebody says to an agent; without a conversation a new one begins."""

    message: Annotated[MessageText, Field(examples=["Hello!"])]
    user_identifier: UserIdentifier | None = None
    conversation_id: EntityId | None = None
    context: FreeObject = Field(default_factory=dict)


class ChatBody(Question):
    """What a person says to an agent."""

    user_identifier: Annotated[UserIdentifier, Field(examples=["user-123"])]


class StreamBody(Question):
    """What a person says to an agent, or a program, which may use the SDK's names and leave its user unnamed."""

    user_identifier: Annotated[
        UserIdentifier | None,
        Field(
            validation_alias=AliasChoices("user_identifier", "userIdentifier"),
            description="Required from people.",
            examples=["user-123"],
        ),
    ] = None
    conversation_id: Annotated[
        EntityId | None, Field(validation_alias=AliasChoices("conversation_id", "conversationId"))
    ] = None
    context: Annotated[
        FreeObject,
        Field(default_factory=dict, validation_alias=AliasChoices("context", "dynamicContext")),
    ]


class UsageRead(ResponseBody):
    """What a turn took: tokens, and dollars."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: OmitNone[int] = None
    cost: float


class StepRead(ResponseBody):
    """One step on the way to the answer."""

    step: str
    tool_name: OmitNone[str] = None
    reasoning: OmitNone[str] = None


class ToolUsedRead(ResponseBody):
    """One run of a tool; one that failed has an ``error`` in the place of its ``result``."""

    tool_name: str
    parameters: Any
    execution_time_ms: int
    result: OmitNone[Any] = None
    success: bool
    error: OmitNone[str] = None


class SuggestionUsageRead(ResponseBody):
    """What it took to suggest questions."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost: float
    model: str
    execution_time_ms: int


class SaidAnswer(ResponseBody):
    """What the agent answered."""

    conversation_id: str
    message_id: OmitNone[str] = None
    response: str
    handoff_requested: OmitNone[bool] = None
    handoff_info: OmitNone[dict[str, Any]] = None
    current_handler: OmitNone[str] = None
    suggestions: OmitNone[list[str]] = None


class ChatAnswer(SaidAnswer):
    """What the agent answered, and what it took."""

    thinking_process: OmitNone[list[StepRead]] = None
    tools_used: list[ToolUsedRead]
    token_usage: UsageRead
    suggestion_usage: OmitNone[SuggestionUsageRead] = None
