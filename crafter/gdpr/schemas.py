"""Retention, erasure and export on the wire."""

from crafter.agent_executions.schemas import ExecutionRead
from crafter.conversations.schemas import ConversationRead
from crafter.core.ids import EntityId
from crafter.core.schemas import ResponseBody, WireTime


class Retained(ResponseBody):
    """What was deleted because it was too old."""

    conversations: int
    executions: int


class RetentionDone(ResponseBody):
    """What one agent's retention has deleted."""

    message: str
    agent_id: EntityId
    retention_days: int
    deleted: Retained


class Deleted(ResponseBody):
    """What is gone of an end user."""

    conversations: int
    session_tokens: int


class Anonymised(ResponseBody):
    """What is left of an end user, without what was said."""

    agent_executions: int


class ErasureDone(ResponseBody):
    """An end user is forgotten."""

    message: str
    user_identifier: str
    deleted: Deleted
    anonymised: Anonymised


class UserExport(ResponseBody):
    """Everything about an end user."""

    user_identifier: str
    exported_at: WireTime
    conversations: list[ConversationRead]
    executions: list[ExecutionRead]
