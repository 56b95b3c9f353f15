"""What the bodies of all routes have in common: what is ignored, and the parts that several of them hold."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from crafter.core.schemas import ContractBody, RequestBody
from crafter.llm.base import ImagePart, TextPart, ToolDefinition

MAX_BODY_SIZE = 8 * 1024 * 1024
"""Bytes of one request: images come inside."""

MOST_MESSAGES = 2_048
MOST_PARTS = 256
MOST_TOOLS = 128

Text = Annotated[str, Field(max_length=1_000_000)]
ShortText = Annotated[str, Field(max_length=4_096)]
ModelName = Annotated[str, Field(min_length=1, max_length=300, examples=["gpt-4o-mini"])]
ToolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,128}$")]
CallId = Annotated[str, Field(min_length=1, max_length=256)]
ImageUrl = Annotated[
    str,
    StringConstraints(pattern=r"^(https?://|data:image/)", max_length=MAX_BODY_SIZE),
    Field(examples=["https://example.com/cat.png"]),
]
Detail = Literal["auto", "low", "high"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
Temperature = Annotated[float, Field(ge=0, le=2)]
Share = Annotated[float, Field(ge=0, le=1)]
MaxTokens = Annotated[int, Field(ge=1, le=10_000_000)]
EndUser = Annotated[str, Field(max_length=512, description="Who it is asked for; only a hash is kept.")]


class OpenAIBody(RequestBody):
    """A request of OpenAI's API: null is not given, and what is neither known nor harmless is refused by name."""

    harmless: ClassVar[frozenset[str]] = frozenset(
        {"metadata", "service_tier", "prompt_cache_retention", "prompt_cache_options", "verbosity"}
    )
    """Fields that change nothing about what is answered here, so that they are ignored."""

    @model_validator(mode="before")
    @classmethod
    def _without_the_harmless(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None and name not in cls.harmless}


class AnswerBody(OpenAIBody):
    """What every question to a model, or to an agent (``agent:<name or id>``), has."""

    model: ModelName
    stream: bool = False
    temperature: Temperature | None = None
    top_p: Share | None = None
    parallel_tool_calls: bool | None = None
    user: EndUser | None = None
    safety_identifier: EndUser | None = None
    prompt_cache_key: ShortText | None = None

    @property
    def end_user(self) -> str | None:
        """Whom it is asked for."""
        return self.safety_identifier or self.user


class TextFormat(ContractBody):
    """Text."""

    type: Literal["text"]


class JsonObjectFormat(ContractBody):
    """Some JSON object."""

    type: Literal["json_object"]


class JsonSchemaBody(ContractBody):
    """The schema of a reply."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    description: ShortText | None = None
    strict: bool | None = None


class FunctionBody(ContractBody):
    """A tool of the caller's."""

    name: ToolName
    description: Annotated[str, Field(max_length=20_000)] = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool | None = None

    def as_tool(self) -> ToolDefinition:
        """What is offered to the model."""
        return ToolDefinition(self.name, self.description, self.parameters, self.strict)


def content_of(parts: list[TextPart | ImagePart]) -> str | list[TextPart | ImagePart]:
    """Parts as they are sent on: without images they are one text, which every provider takes."""
    if any(isinstance(part, ImagePart) for part in parts):
        return parts
    return "\n".join(part.text for part in parts if isinstance(part, TextPart))
