"""Agents, as they are stored: tools, hooks, transformers and settings are embedded."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pymongo import ASCENDING, DESCENDING, IndexModel

from crafter.agents.configuration import AgentConfig, AgentPrivacy, LlmSettings, QuestionSuggestions
from crafter.core.documents import Moment, OmitNone, ProjectDocument, Reference, Stored, StoredElement
from crafter.core.ids import EntityId
from crafter.core.queries import QueryShape

MAX_TOOLS = 64
MAX_TRANSFORMERS = 32
MAX_FALLBACKS = 5
STATUS_HISTORY = 20

AgentType = Literal["chatbot", "task", "workflow", "api"]
AgentStatus = Literal["active", "inactive", "error"]
HookType = Literal["llm", "webhook"]
HookTrigger = Literal[
    "every_message", "user_message_only", "human_controlled_only", "new_conversation", "inactivity"
]
InactivityCondition = Literal["any", "human_controlled_only", "agent_controlled_only"]
FallbackType = Literal["text", "remove", "passthrough"]


class AgentTool(StoredElement):
    """A tool that the agent may use. ``parameters`` is free, absent while empty, and may hold secrets."""

    name: str
    description: str
    parameters: OmitNone[dict[str, Any]] = None
    enabled: bool = True


class AgentHook(StoredElement):
    """Something that happens beside a conversation. The webhook's secret is stored encrypted."""

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


class AgentFallback(Stored):
    """Another key of the project, and the model that is asked with it where the agent's own fails."""

    api_key: EntityId
    model: str


class TransformerFallback(Stored):
    """What becomes of a match when the webhook fails."""

    type: FallbackType = "passthrough"


class MessageTransformer(StoredElement):
    """A webhook that rewrites what matches a pattern. Its secret is stored encrypted."""

    name: str
    pattern: str
    webhook_url: str
    webhook_secret: OmitNone[str] = None
    channels: list[str] = Field(default_factory=list)
    fallback: TransformerFallback = Field(default_factory=TransformerFallback)
    timeout_ms: int = 5_000
    enabled: bool = True


class StatusChange(Stored):
    """One change of an agent's status, and why; null where a person made it."""

    from_status: AgentStatus = Field(alias="from")
    to: AgentStatus
    at: Moment
    reason: str | None = None


class Agent(ProjectDocument):
    """A configured assistant of one project.

    ``is_active`` is what people set, and decides: ``status`` is ``inactive`` exactly while it is false, also
    where the Node server, which knows no status, has changed it. ``metadata`` is kept as JSON text: as BSON,
    an object with the keys ``$ref`` and ``$id`` would come back as something else.
    """

    name: str
    description: OmitNone[str] = None
    type: AgentType = "chatbot"
    system_prompt: str = ""
    api_key: EntityId
    llm_settings: LlmSettings
    tools: list[AgentTool] = Field(default_factory=list)
    config: AgentConfig = Field(default_factory=AgentConfig)
    question_suggestions: QuestionSuggestions = Field(default_factory=QuestionSuggestions)
    is_active: bool = True
    version: int = 1
    message_transformers: list[MessageTransformer] = Field(default_factory=list)
    gdpr: AgentPrivacy = Field(default_factory=AgentPrivacy)
    hooks: list[AgentHook] = Field(default_factory=list)

    status: AgentStatus = "active"
    status_reason: OmitNone[str] = None
    status_history: list[StatusChange] = Field(default_factory=list)
    consecutive_failures: int = 0
    metadata: OmitNone[str] = None
    prompt: OmitNone[EntityId] = Field(
        None, description="A prompt of the project that it takes its instructions from."
    )
    prompt_variables: OmitNone[dict[str, Any]] = None
    fallbacks: OmitNone[list[AgentFallback]] = None

    references: ClassVar = (
        Reference("api_key", "apikeys"),
        Reference("fallbacks.api_key", "apikeys"),
        Reference("prompt", "prompts"),
        Reference("question_suggestions.api_key", "apikeys"),
        Reference("project", "projects"),
    )
    query_shapes: ClassVar = (
        QueryShape("one agent", {"_id": "a", "organization": "o", "project": "p"}),
        QueryShape(
            "agents of a project",
            {"organization": "o", "project": "p"},
            (("createdAt", -1), ("_id", -1)),
            rules=("12.55",),
        ),
        QueryShape("an agent by its name", {"name": "a", "organization": "o", "project": "p"}),
        QueryShape("agents of a project by name", {"organization": "o", "project": "p"}, (("name", 1),)),
        QueryShape(
            "agents whose name begins so",
            {"organization": "o", "project": "p", "name": {"$gte": "a", "$lt": "a\U0010ffff"}},
            (("name", 1),),
        ),
        QueryShape(
            "agents of a type",
            {"organization": "o", "project": "p", "type": "chatbot"},
            (("createdAt", -1), ("_id", -1)),
            rules=("12.56",),
        ),
        QueryShape(
            "agents in error",
            {"organization": "o", "project": "p", "status": "error", "is_active": {"$ne": False}},
            (("createdAt", -1), ("_id", -1)),
            rules=("12.57",),
        ),
        QueryShape(
            "agents that work",
            {
                "organization": "o",
                "project": "p",
                "status": {"$in": ["active", "inactive", None]},
                "is_active": {"$ne": False},
            },
            (("createdAt", -1), ("_id", -1)),
        ),
        QueryShape(
            "agents that are switched off",
            {"organization": "o", "project": "p", "is_active": False},
            (("createdAt", -1), ("_id", -1)),
        ),
        QueryShape(
            "agents of a type by name", {"organization": "o", "project": "p", "type": "task"}, (("name", 1),)
        ),
        QueryShape(
            "agents in error by name",
            {"organization": "o", "project": "p", "status": "error", "is_active": {"$ne": False}},
            (("name", 1),),
        ),
        QueryShape(
            "the newest agents of a type that work and whose name begins so",
            {
                "organization": "o",
                "project": "p",
                "type": "task",
                "name": {"$gte": "a", "$lt": "a\U0010ffff"},
                "status": {"$in": ["active", "inactive", None]},
                "is_active": {"$ne": False},
            },
            (("createdAt", -1), ("_id", -1)),
        ),
        QueryShape(
            "agents that are switched on, by name",
            {"organization": "o", "project": "p", "is_active": {"$ne": False}},
            (("name", 1),),
        ),
        QueryShape("agents of an organization", {"organization": "o"}),
        QueryShape("some agents", {"_id": {"$in": ["a", "b"]}, "organization": "o"}),
        QueryShape(
            "agents that keep things for a time only",
            {
                "$or": [
                    {"gdpr.retention_days": 30, "_id": {"$gt": "a"}},
                    {"gdpr.retention_days": {"$gt": 30}},
                ],
            },
            (("gdpr.retention_days", 1), ("_id", 1)),
            everywhere=True,
        ),
        QueryShape("agents that use a key", {"organization": "o", "api_key": "k"}),
        QueryShape("agents that fall back on a key", {"organization": "o", "fallbacks.api_key": "k"}),
        QueryShape("agents that share a prompt", {"organization": "o", "prompt": "p"}),
        QueryShape(
            "agents that suggest with a key", {"organization": "o", "question_suggestions.api_key": "k"}
        ),
    )

    class Settings:
        name = "agents"
        indexes = [
            IndexModel([("project", ASCENDING), ("name", ASCENDING)], name="project_1_name_1", unique=True),
            IndexModel(
                [("organization", ASCENDING), ("project", ASCENDING), ("name", ASCENDING)],
                name="organization_1_project_1_name_1",
                unique=True,
            ),
            IndexModel(
                [("gdpr.retention_days", ASCENDING), ("_id", ASCENDING)], name="agents_with_retention"
            ),
            *(
                IndexModel(
                    [
                        ("organization", ASCENDING),
                        ("project", ASCENDING),
                        *((field, ASCENDING) for field in fields),
                        ("createdAt", DESCENDING),
                        ("_id", DESCENDING),
                    ],
                    name="_".join(
                        ["organization_1_project_1", *(f"{f}_1" for f in fields), "createdAt_-1__id_-1"]
                    ),
                )
                for fields in ((), ("type",), ("status",))
            ),
        ]

    @model_validator(mode="after")
    def _status_follows_is_active(self) -> Self:
        self.status = effective_status(self.is_active, self.status)
        return self


def effective_status(is_active: bool, status: AgentStatus) -> AgentStatus:
    """The status that counts: what is switched off is inactive; the rest is active, unless in error."""
    if not is_active:
        return "inactive"
    return "error" if status == "error" else "active"


def status_filter(status: AgentStatus) -> Mapping[str, Any]:
    """The part of a query that finds the agents of that status, those without a stored one included."""
    if status == "inactive":
        return {"is_active": False}
    stored = "error" if status == "error" else {"$in": ["active", "inactive", None]}
    return {"status": stored, "is_active": {"$ne": False}}
