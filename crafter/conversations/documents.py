"""Conversations, as they are stored.

The newest messages are embedded in the conversation; older ones have moved, in order, to segments. ``moved`` counts
those, so the sequence number of the embedded message at index ``i`` is ``moved + i + 1``: order is the position in the
array, which MongoDB decides. A conversation that the Node server wrote has no ``moved`` and embeds everything.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from crafter.conversations.aside_notes import QUIET_INDEX, QUIET_SHAPE, AsideNotes
from crafter.core.documents import Moment, OmitNone, ProjectDocument, Reference, Stored, StoredElement
from crafter.core.ids import EntityId, derived_id
from crafter.core.queries import QueryShape
from crafter.core.time import utc_now

MessageRole = Literal["user", "assistant", "system", "tool", "human_operator"]
Lifecycle = Literal["active", "archived", "deleted"]

NEW_TITLE = "New Conversation"

_IN_PROJECT = {"organization": "o", "project": "p"}
_SEVERAL = {"$in": ["o", "o2"]}
_SHOWN = {"lifecycle": {"$in": ["active", None]}}
_RECENT = (("metadata.last_activity", -1), ("_id", -1))
_IN_A_MONTH = {"$gte": datetime(2026, 1, 1, tzinfo=UTC), "$lt": datetime(2026, 2, 1, tzinfo=UTC)}


class ThinkingStep(StoredElement):
    """One step on the way to an answer."""

    step: str
    reasoning: OmitNone[str] = None
    tool_name: OmitNone[str] = None
    timestamp: Moment = Field(default_factory=utc_now)


class TokenUsage(Stored):
    """What an answer took: tokens, and dollars."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cost: float = 0.0


class Message(StoredElement):
    """One message. ``metadata`` of an answer tells how it came about (provider, model, state, …)."""

    role: MessageRole
    content: str = ""
    timestamp: Moment = Field(default_factory=utc_now)
    user: OmitNone[EntityId] = None
    handler_info: OmitNone[dict[str, Any]] = None
    thinking_process: list[ThinkingStep] = Field(default_factory=list)
    tools_used: list[dict[str, Any]] = Field(default_factory=list)
    token_usage: OmitNone[TokenUsage] = None
    is_summarized: bool = False
    code: str | None = None
    channel_info: dict[str, Any] = Field(default_factory=lambda: {"media": []})
    metadata: OmitNone[dict[str, Any]] = None


class HandoffInfo(Stored):
    """A request for a human, and what became of it."""

    requested_by: OmitNone[str] = None
    requested_at: OmitNone[Moment] = None
    reason: OmitNone[str] = None
    handoff_message: OmitNone[str] = None
    urgency: str = "medium"
    assigned_human: OmitNone[str] = None
    assigned_external_operator: OmitNone[dict[str, Any]] = None
    handed_off_at: OmitNone[Moment] = None
    fallback_attempts: int = 0
    last_fallback_at: Moment | None = None
    fallback_locked_until: Moment | None = None
    refused_at: Moment | None = None
    refused_by: str | None = None
    refusal_reason: str | None = None


class ConversationCounters(Stored):
    """The contract's ``metadata`` of a conversation: running totals, and when something last happened."""

    total_tokens_used: int = 0
    total_cost: float = 0.0
    tools_executed_count: int = 0
    last_summary_index: int = -1
    summary_version: int = 0
    requires_summarization: bool = False
    last_activity: Moment = Field(default_factory=utc_now)
    user_agent: OmitNone[str] = None
    ip_address: OmitNone[str] = None


class ConversationSummary(Stored):
    """What was said, in short; there, but empty, until something is summarised."""

    key_topics: list[Any] = Field(default_factory=list)
    important_decisions: list[Any] = Field(default_factory=list)
    unresolved_issues: list[Any] = Field(default_factory=list)
    tool_results: list[Any] = Field(default_factory=list)
    summary_translations: list[Any] = Field(default_factory=list)
    message_count_when_summarized: int = 0
    created_at: Moment = Field(default_factory=utc_now)
    user_preferences: OmitNone[dict[str, Any]] = None
    context_data: OmitNone[dict[str, Any]] = None


class MessagePrivacy(Stored):
    """Whether the content of messages is encrypted."""

    encrypt_messages: bool = False


class Conversation(ProjectDocument):
    """What one person and one agent said to each other."""

    updated_field: ClassVar[str] = "updated_at"
    shard_key: ClassVar = (("organization", 1), ("_id", 1))

    created_at: Moment = Field(default_factory=utc_now, alias="created_at")
    updated_at: Moment = Field(default_factory=utc_now, alias="updated_at")

    agent: EntityId
    user: OmitNone[EntityId] = Field(
        None, description="The account that began it, if somebody signed in did."
    )
    user_api_key: OmitNone[EntityId] = Field(
        None,
        description="The platform key that began it, if a program did; no other program may go on in it.",
    )
    user_identifier: str
    title: OmitNone[str] = NEW_TITLE
    title_translations: list[dict[str, Any]] = Field(default_factory=list)
    messages: list[Message] = Field(default_factory=list)
    moved: int = Field(0, description="How many messages, the oldest, have moved to segments.")
    lifecycle: Lifecycle = "active"
    channel: str = "website"
    channel_metadata: OmitNone[dict[str, Any]] = None
    channel_history: list[dict[str, Any]] = Field(default_factory=list)
    status: str = "agent_controlled"
    current_handler: str = "agent"
    handoff_info: HandoffInfo = Field(default_factory=HandoffInfo)
    last_customer_message_at: Moment | None = None
    metadata: ConversationCounters = Field(default_factory=ConversationCounters)
    current_turn_language: str | None = None
    dynamic_context: Any = None
    dynamic_context_updated_at: Moment | None = None
    summary: OmitNone[str] = None
    conversation_summary: ConversationSummary = Field(default_factory=ConversationSummary)
    gdpr: MessagePrivacy = Field(default_factory=MessagePrivacy)
    archived: bool = False
    hook_executions: list[dict[str, Any]] = Field(default_factory=list)
    asides: AsideNotes = Field(default_factory=AsideNotes)

    references: ClassVar = (
        Reference("agent", "agents", restricts=False),
        Reference("project", "projects"),
    )
    query_shapes: ClassVar = (
        QueryShape("one conversation", {"_id": "c", **_IN_PROJECT}),
        QueryShape(
            "conversations of an agent", {**_IN_PROJECT, "agent": "a", **_SHOWN}, _RECENT, rules=("12.63",)
        ),
        QueryShape(
            "an agent's conversations with one end user",
            {**_IN_PROJECT, "agent": "a", "user_identifier": "u", **_SHOWN},
            _RECENT,
        ),
        QueryShape(
            "an agent's conversations in one state",
            {**_IN_PROJECT, "agent": "a", "status": "s", **_SHOWN},
            _RECENT,
        ),
        QueryShape("conversations of a project", {**_IN_PROJECT, **_SHOWN}, _RECENT),
        QueryShape(
            "a person's conversations", {**_IN_PROJECT, "user": "u", **_SHOWN}, _RECENT, rules=("12.64",)
        ),
        QueryShape(
            "conversations of a project in one state",
            {**_IN_PROJECT, "status": "s", **_SHOWN},
            _RECENT,
            rules=("12.65",),
        ),
        QueryShape("one of several organizations' conversations", {"_id": "c", "organization": _SEVERAL}),
        QueryShape(
            "waiting for a human, in several organizations",
            {"organization": _SEVERAL, "status": "handoff_requested", **_SHOWN},
            (("handoff_info.requested_at", -1), ("_id", -1)),
        ),
        QueryShape(
            "waiting for a human, in a project",
            {**_IN_PROJECT, "status": "handoff_requested", **_SHOWN},
            (("handoff_info.requested_at", -1), ("_id", -1)),
        ),
        QueryShape(
            "handled by a colleague, in several organizations",
            {
                "organization": _SEVERAL,
                "handoff_info.assigned_human": "u",
                "status": "human_controlled",
                **_SHOWN,
            },
            _RECENT,
        ),
        QueryShape(
            "handled by somebody of another system",
            {
                **_IN_PROJECT,
                "handoff_info.assigned_external_operator.external_id": "e",
                "status": "human_controlled",
                **_SHOWN,
            },
            _RECENT,
        ),
        QueryShape(
            "waiting for a human, anywhere",
            {
                "status": "handoff_requested",
                "handoff_info.requested_at": {"$gte": datetime(2026, 1, 1, tzinfo=UTC)},
                **_SHOWN,
            },
            (("handoff_info.requested_at", 1),),
            everywhere=True,
        ),
        QueryShape(
            "an agent's conversations of long ago",
            {**_IN_PROJECT, "agent": "a", "created_at": {"$lt": datetime(2026, 1, 1, tzinfo=UTC)}},
            (("created_at", 1),),
        ),
        QueryShape(
            "conversations with an end user",
            {"organization": "o", "user_identifier": "u", "_id": {"$gt": "c"}},
            (("_id", 1),),
        ),
        QueryShape(
            "conversations that were begun in a time",
            {"organization": "o", "created_at": _IN_A_MONTH, "lifecycle": {"$ne": "deleted"}},
        ),
        QueryShape(
            "an agent's conversations that were begun in a time",
            {**_IN_PROJECT, "agent": "a", "created_at": _IN_A_MONTH, "lifecycle": {"$ne": "deleted"}},
        ),
        QueryShape("conversations of an organization", {"organization": "o", **_SHOWN}, _RECENT),
        QUIET_SHAPE,
    )

    class Settings:
        name = "conversations"
        indexes = [
            IndexModel([("organization", ASCENDING), ("_id", ASCENDING)], name="organization_1__id_1"),
            IndexModel([("archived", ASCENDING)], name="archived_1"),
            QUIET_INDEX,
            IndexModel(
                [("status", ASCENDING), ("handoff_info.requested_at", ASCENDING)],
                name="conversations_waiting_anywhere",
            ),
            IndexModel(
                [("agent", ASCENDING), ("user_identifier", ASCENDING)], name="agent_1_user_identifier_1"
            ),
            IndexModel([("agent", ASCENDING), ("status", ASCENDING)], name="agent_1_status_1"),
            IndexModel([("metadata.last_activity", ASCENDING)], name="metadata.last_activity_1"),
            *(
                IndexModel(
                    [
                        ("organization", ASCENDING),
                        (field, ASCENDING),
                        *([("user_identifier", ASCENDING)] if also else []),
                        ("metadata.last_activity", DESCENDING),
                        ("_id", DESCENDING),
                    ],
                    name=f"conversations_{field}{'_end_user' if also else ''}_recent",
                )
                for field, also in (("agent", False), ("agent", True), ("user", False), ("project", False))
            ),
            IndexModel(
                [
                    ("organization", ASCENDING),
                    ("project", ASCENDING),
                    ("status", ASCENDING),
                    ("metadata.last_activity", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="conversations_status_recent",
            ),
            IndexModel(
                [
                    ("organization", ASCENDING),
                    ("status", ASCENDING),
                    ("handoff_info.requested_at", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="conversations_waiting",
            ),
            *(
                IndexModel(
                    [
                        ("organization", ASCENDING),
                        (f"handoff_info.{holder}", ASCENDING),
                        ("status", ASCENDING),
                        ("metadata.last_activity", DESCENDING),
                        ("_id", DESCENDING),
                    ],
                    name=f"conversations_{name}_recent",
                )
                for holder, name in (
                    ("assigned_human", "assigned_human"),
                    ("assigned_external_operator.external_id", "assigned_external"),
                )
            ),
            IndexModel(
                [("organization", ASCENDING), ("user_identifier", ASCENDING), ("_id", ASCENDING)],
                name="conversations_end_user",
            ),
            IndexModel([("organization", ASCENDING), ("created_at", DESCENDING)], name="conversations_begun"),
            IndexModel(
                [("organization", ASCENDING), ("agent", ASCENDING), ("created_at", DESCENDING)],
                name="conversations_agent_begun",
            ),
            IndexModel(
                [
                    ("organization", ASCENDING),
                    ("metadata.last_activity", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="conversations_organization_recent",
            ),
        ]


class MessageSegment(ProjectDocument):
    """Up to 50 older messages of a conversation, in order; written once."""

    shard_key: ClassVar = (("organization", 1), ("conversation", 1), ("first_seq", 1))

    agent: EntityId
    conversation: EntityId
    first_seq: int
    last_seq: int
    messages: list[Message]

    references: ClassVar = (Reference("conversation", "conversations", restricts=False),)
    query_shapes: ClassVar = (
        QueryShape(
            "older messages",
            {"organization": "o", "project": "p", "conversation": "c", "first_seq": {"$gt": 1, "$lte": 90}},
            (("first_seq", 1),),
        ),
        QueryShape(
            "segments of some conversations", {"organization": "o", "conversation": {"$in": ["c", "c2"]}}
        ),
        QueryShape("segments of an agent", {"organization": "o", "project": "p", "agent": "a"}),
    )

    class Settings:
        name = "message_segments"
        indexes = [
            IndexModel(
                [("organization", ASCENDING), ("conversation", ASCENDING), ("first_seq", ASCENDING)],
                name="message_segments_in_order",
                unique=True,
            ),
            IndexModel([("organization", ASCENDING), ("agent", ASCENDING)], name="message_segments_agent"),
        ]

    @staticmethod
    def id_of(conversation: str, first_seq: int) -> str:
        """The id of the segment that begins there: whoever moves these messages writes the same row."""
        return derived_id("message_segments", conversation, str(first_seq))


def raw_segment(
    conversation: Mapping[str, Any], first_seq: int, messages: list[dict[str, Any]]
) -> dict[str, Any]:
    """A segment as MongoDB keeps it, with the messages as they were embedded (fields of Node's included)."""
    now = utc_now()
    return {
        "_id": MessageSegment.id_of(conversation["_id"], first_seq),
        "organization": conversation["organization"],
        "project": conversation["project"],
        "agent": conversation["agent"],
        "conversation": conversation["_id"],
        "first_seq": first_seq,
        "last_seq": first_seq + len(messages) - 1,
        "messages": messages,
        "createdAt": now,
        "updatedAt": now,
        "revision": 0,
        "__v": 0,
    }
