"""Conversations and messages on the wire."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from crafter.conversations.documents import Lifecycle
from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import Name, RequestBody, Resource, ResponseBody, WireTime

MAX_MESSAGE_BYTES = 65_536


def _fits(text: str) -> str:
    if len(text.encode()) > MAX_MESSAGE_BYTES:
        raise ValueError("A message may have at most 65,536 bytes of UTF-8")
    return text


def _says_something(text: str) -> str:
    if not text.strip():
        raise ValueError("Invalid value: must not be blank")
    return text


MessageText = Annotated[
    str, StringConstraints(min_length=1), AfterValidator(_says_something), AfterValidator(_fits)
]
"""What somebody says: not blank, at most 64 KiB."""

UserIdentifier = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
"""What the caller's system calls its end user."""


class ConversationCreate(RequestBody):
    """A conversation that somebody begins before anything is said."""

    agent: EntityId
    user_identifier: UserIdentifier
    title: Name | None = None


class MessageAppend(RequestBody):
    """A message that was said elsewhere; appending it does not run the agent."""

    role: Literal["user", "assistant", "system"]
    content: MessageText


class ThinkingStepRead(ResponseBody):
    """One step on the way to an answer."""

    step: str
    reasoning: OmitNone[str] = None
    timestamp: OmitNone[WireTime] = None
    stored_id: str = Field(alias="_id")


class TokenUsageRead(ResponseBody):
    """What an answer took: tokens, and dollars."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost: float


class HumanOperatorRead(ResponseBody):
    """A colleague with an account, who wrote a message."""

    user_id: OmitNone[str] = None
    name: OmitNone[str] = None
    email: OmitNone[str] = None
    timestamp: OmitNone[WireTime] = None


class ExternalOperatorRead(ResponseBody):
    """Somebody of another system, who wrote a message."""

    external_id: OmitNone[str] = None
    name: OmitNone[str] = None
    email: OmitNone[str] = None
    avatar_url: OmitNone[str] = None
    timestamp: OmitNone[WireTime] = None


class HandlerRead(ResponseBody):
    """Who wrote a message that no model wrote."""

    agent_id: OmitNone[str] = None
    human_operator: OmitNone[HumanOperatorRead] = None
    external_operator: OmitNone[ExternalOperatorRead] = None

    @property
    def name(self) -> str | None:
        """What the person is called."""
        person = self.human_operator or self.external_operator
        return person.name if person else None


class MessageRead(ResponseBody):
    """A message; ``seq`` is its place in the conversation, from 1."""

    stored_id: str = Field(alias="_id")
    seq: int
    role: str
    content: str
    timestamp: WireTime
    handler_info: OmitNone[HandlerRead] = None
    thinking_process: list[ThinkingStepRead]
    tools_used: list[dict[str, Any]]
    token_usage: OmitNone[TokenUsageRead] = None
    channel_info: dict[str, Any]
    is_summarized: bool
    code: str | None
    metadata: OmitNone[dict[str, Any]] = None


class HandoffRead(ResponseBody):
    """A request for a human, and what became of it."""

    requested_by: OmitNone[str] = None
    requested_at: OmitNone[WireTime] = None
    reason: OmitNone[str] = None
    handoff_message: OmitNone[str] = None
    urgency: str
    assigned_human: OmitNone[str] = None
    assigned_external_operator: OmitNone[dict[str, Any]] = None
    handed_off_at: OmitNone[WireTime] = None
    fallback_attempts: int
    last_fallback_at: WireTime | None
    fallback_locked_until: WireTime | None
    refused_at: WireTime | None
    refused_by: str | None
    refusal_reason: str | None


class CountersRead(ResponseBody):
    """Running totals of a conversation."""

    total_tokens_used: int
    total_cost: float
    tools_executed_count: int
    last_summary_index: int
    summary_version: int
    requires_summarization: bool
    last_activity: WireTime
    user_agent: OmitNone[str] = None
    ip_address: OmitNone[str] = None


class SummaryRead(ResponseBody):
    """What was said, in short."""

    key_topics: list[Any]
    important_decisions: list[Any]
    unresolved_issues: list[Any]
    tool_results: list[Any]
    summary_translations: list[Any]
    message_count_when_summarized: int
    created_at: WireTime
    user_preferences: OmitNone[dict[str, Any]] = None
    context_data: OmitNone[dict[str, Any]] = None


class ConversationSummaryRead(Resource):
    """A conversation in a list: everything but its messages."""

    created_at: WireTime = Field(alias="created_at")
    updated_at: WireTime = Field(alias="updated_at")
    created_alias: WireTime = Field(alias="createdAt")
    updated_alias: WireTime = Field(alias="updatedAt")
    agent: str
    user: OmitNone[str] = None
    user_identifier: str
    title: OmitNone[str] = None
    channel: str
    channel_metadata: OmitNone[dict[str, Any]] = None
    status: str
    lifecycle: Lifecycle
    metadata: CountersRead
    dynamic_context: Any
    dynamic_context_updated_at: WireTime | None
    message_count: int


class ConversationRead(ConversationSummaryRead):
    """A conversation with its newest messages, at most 1,000; ``messages_truncated`` says that there are more."""

    current_handler: str
    archived: bool
    handoff_info: HandoffRead
    last_customer_message_at: WireTime | None
    current_turn_language: str | None
    summary: OmitNone[str] = None
    conversation_summary: SummaryRead
    gdpr: dict[str, Any]
    title_translations: list[dict[str, Any]]
    channel_history: list[dict[str, Any]]
    hook_executions: list[dict[str, Any]]
    messages: list[MessageRead]
    messages_truncated: bool


class ConversationPage(ResponseBody):
    """The contract's list of an agent's conversations; ``total`` is counted up to 10,000."""

    total: int
    page: int
    limit: int
    conversations: list[ConversationSummaryRead]


class PageInfo(ResponseBody):
    """Where to go on."""

    next: str | None
    prev: str | None
    has_more: bool


class ConversationList(ResponseBody):
    """A page of a project's conversations, the latest active first."""

    data: list[ConversationSummaryRead]
    page: PageInfo


class MessagePageInfo(ResponseBody):
    """Which messages these are: ask for ``before`` the first of them, or ``after`` the last."""

    before: int | None
    after: int | None
    has_more: bool
    total: int


class MessageList(ResponseBody):
    """Some messages in order."""

    data: list[MessageRead]
    page: MessagePageInfo


class ConversationsDeleted(ResponseBody):
    """How many conversations are gone."""

    message: str
    deleted_count: int = Field(alias="deletedCount")
