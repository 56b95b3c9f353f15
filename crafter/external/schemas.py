"""What programs say to agents, and what they are told about agents, projects and their key."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, computed_field

from crafter.conversations.schemas import MessageText
from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import ResponseBody, WireTime, says
from crafter.execution.schemas import ChatAnswer, FreeObject, Question, SaidAnswer
from crafter.user_api_keys.schemas import RestrictionsRead, UsageRead

MAX_FILES = 5
MESSAGE_LENGTH = 4_000


def _blank_is_absent(value: Any) -> Any:
    return None if value == "" else value


def _is_short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MESSAGE_LENGTH:
        raise ValueError(f"Message must be less than {MESSAGE_LENGTH} characters")
    return value


class ProgramQuestion(Question):
    """What an end user of a program says to an agent; whatever is null or blank counts as not given."""

    message: Annotated[
        MessageText,
        BeforeValidator(_is_short),
        Field(max_length=MESSAGE_LENGTH, examples=["Hello!"]),
    ]
    user_identifier: Annotated[
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None,
        BeforeValidator(_blank_is_absent),
        Field(alias="userIdentifier"),
        says("User identifier must be less than 100 characters"),
    ] = None
    conversation_id: Annotated[
        EntityId | None, BeforeValidator(_blank_is_absent), Field(alias="conversationId")
    ] = None
    context: Annotated[FreeObject, Field(default_factory=dict, alias="dynamicContext")]
    files: Annotated[
        list[EntityId],
        Field(max_length=MAX_FILES, description="Ids of uploads."),
        says("Files must be an array of up to 5 file IDs"),
    ] = Field(default_factory=list)


class AnswerMirror(ResponseBody):
    """The same answer where the SDK's read-me looks for it."""

    conversation_id: str
    response: str
    suggestions: OmitNone[list[str]] = None


class SessionInfo(ResponseBody):
    """The session that was used, and what is left of it."""

    session_id: EntityId
    remaining_interactions: int
    expires_at: WireTime


class SessionChatAnswer(SaidAnswer):
    """What the agent answered to the end user of a session."""

    session_info: SessionInfo
    data: AnswerMirror


class KeyInfo(ResponseBody):
    """The key that was used, and how often it may still be used today; null where there is no limit."""

    api_key_id: EntityId
    daily_limit_remaining: int | None


class KeyChatAnswer(ChatAnswer):
    """What the agent answered to a program, and what it took."""

    api_key_info: KeyInfo
    data: AnswerMirror


class AgentSummary(ResponseBody):
    """An agent in a list."""

    id: EntityId = Field(validation_alias="_id")
    name: str
    description: OmitNone[str] = None
    type: str
    version: int = 1
    is_active: bool = True


class ToolSummary(ResponseBody):
    """A tool of an agent, without its settings."""

    name: str
    description: str
    enabled: bool = True


class KeySummary(ResponseBody):
    """The provider key that an agent works with: what it is called, and whose it is."""

    name: str
    provider: str


class AgentDetails(AgentSummary):
    """An agent, its tools, and its provider; ``api_key`` is null where the key was deleted."""

    tools: list[ToolSummary]
    api_key: KeySummary | None


class ProjectSummary(ResponseBody):
    """A project in a list."""

    stored_id: EntityId = Field(alias="_id")
    name: str
    description: OmitNone[str] = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """The same as ``_id``."""
        return self.stored_id


class ProjectAccess(ResponseBody):
    """That a project is there for the key."""

    id: EntityId
    organization: EntityId
    accessible: Literal[True] = True


class KeyUsageRead(ResponseBody):
    """How often the key was used, and what is left of today's limit; null where there is none."""

    api_key_id: EntityId
    usage: UsageRead
    restrictions: RestrictionsRead
    daily_limit_remaining: int | None
