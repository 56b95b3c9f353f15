"""Handoffs on the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, computed_field

from crafter.conversations.schemas import ConversationRead, MessageRead, MessageText
from crafter.core.documents import OmitNone
from crafter.core.schemas import ContractBody, ResponseBody, WireTime, says
from crafter.execution.schemas import UsageRead

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Address = Annotated[str, StringConstraints(max_length=2_000)]


class ExternalOperatorInput(ContractBody):
    """Somebody of another system, who is to have the conversation."""

    external_id: Text
    name: Text
    email: Annotated[str, StringConstraints(max_length=320)] | None = None
    avatar_url: Address | None = None


class TakeoverBody(ContractBody):
    """How an operator begins."""

    message: MessageText | None = None
    external_operator: Annotated[
        ExternalOperatorInput | None, says("external_operator requires at least external_id and name")
    ] = None


class OperatorMessageBody(ContractBody):
    """What an operator says; ``external_operator_id`` speaks for the operator of another system."""

    message: MessageText | None = Field(None, examples=["How can I help you?"])
    external_operator_id: Text | None = None


class HandbackBody(ContractBody):
    """Who gives the conversation back."""

    external_operator_id: Text | None = None


class RefusalBody(ContractBody):
    """Why nobody comes."""

    reason: Annotated[str, StringConstraints(max_length=2_000)] | None = None
    external_operator_id: Text | None = None


class ArchiveBody(ContractBody):
    """Whether the conversation is to be archived; without it, the opposite of what it is now."""

    archived: bool | None = None


class AgentRef(ResponseBody):
    """The agent of a conversation."""

    stored_id: str = Field(alias="_id")
    name: OmitNone[str] = None
    description: OmitNone[str] = None
    type: OmitNone[str] = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """The same as ``_id``."""
        return self.stored_id


class HandledConversation(ConversationRead):
    """A conversation with its agent and its newest messages; ``messages_truncated`` says that there are more."""

    agent: AgentRef  # type: ignore[assignment]


class Pagination(ResponseBody):
    """Which page this is; ``total`` is counted up to 10,000."""

    page: int
    limit: int
    total: int
    pages: int


class HandledConversations(ResponseBody):
    """A page of conversations, each with its newest messages, at most 200."""

    conversations: list[HandledConversation]
    pagination: Pagination


class MessagingWindow(ResponseBody):
    """Until when WhatsApp lets one answer: 24 hours after the customer's last message."""

    last_customer_message_at: WireTime | None
    expires_at: WireTime | None
    is_open: bool


class ConversationDetails(ResponseBody):
    """One conversation, for operators."""

    success: Literal[True] = True
    conversation: HandledConversation
    messaging_window: MessagingWindow | None


class OperatorRef(ResponseBody):
    """Who has the conversation now."""

    type: Literal["internal", "external"]
    id: str
    name: str
    email: OmitNone[str] = None
    avatar_url: OmitNone[str] = None


class TakenOver(ResponseBody):
    """The conversation is the operator's."""

    success: Literal[True] = True
    conversation: HandledConversation
    operator: OperatorRef
    message: str


class Done(ResponseBody):
    """Something was done to a conversation."""

    success: Literal[True] = True
    message: str
    conversation: HandledConversation


class Archived(ResponseBody):
    """Whether the conversation is archived now."""

    success: Literal[True] = True
    archived: bool
    message: str
    conversation: HandledConversation


class Refused(ResponseBody):
    """The agent has the conversation again, and what it said; null where it could not answer."""

    success: Literal[True] = True
    message: str
    ai_response: str | None
    token_usage: UsageRead | None


class OperatorName(ResponseBody):
    """What an operator is called, where the web UI looks for it."""

    name: str


class PolledMessage(MessageRead):
    """A message, with the operator's name where the web UI looks for it."""

    operator_info: OmitNone[OperatorName] = None


class HandlerSummary(ResponseBody):
    """Who has the conversation, or is asked for."""

    assigned_human: OmitNone[str] = None
    assigned_external_operator: dict[str, Any]
    handed_off_at: OmitNone[WireTime] = None
    reason: OmitNone[str] = None
    urgency: str


class MirroredMessages(ResponseBody):
    """The same messages, where the SDK looks for them."""

    messages: list[PolledMessage]


class LatestMessages(ResponseBody):
    """The messages later than ``since``, oldest first; send ``last_poll`` as the next ``since``."""

    conversation_id: str
    new_messages: list[PolledMessage]
    current_handler: str
    conversation_status: str
    messaging_window: MessagingWindow | None
    handoff_active: bool
    handler_info: HandlerSummary | None
    operator_info: OmitNone[OperatorName] = None
    last_poll: WireTime
    message_count: int
    data: MirroredMessages
