"""Responses as they are asked for."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from crafter.core.schemas import ContractBody
from crafter.llm.base import JsonSchemaFormat, NamedTool, ResponseFormat, ToolChoice, ToolDefinition
from crafter.openai_api.bodies import (
    MOST_MESSAGES,
    MOST_PARTS,
    MOST_TOOLS,
    AnswerBody,
    CallId,
    Detail,
    Effort,
    FunctionBody,
    ImageUrl,
    JsonObjectFormat,
    JsonSchemaBody,
    MaxTokens,
    Text,
    TextFormat,
    ToolName,
)


class TextPartBody(ContractBody):
    """Text, of whoever said it."""

    type: Literal["input_text", "output_text"]
    text: Text


class RefusalPartBody(ContractBody):
    """What a model said instead of a reply."""

    type: Literal["refusal"]
    refusal: Text


class ImagePartBody(ContractBody):
    """An image."""

    type: Literal["input_image"]
    image_url: ImageUrl
    detail: Detail | None = None


PartBody = Annotated[TextPartBody | RefusalPartBody | ImagePartBody, Field(discriminator="type")]


class MessageItem(ContractBody):
    """Something that was said."""

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: Text | Annotated[list[PartBody], Field(max_length=MOST_PARTS)]


class CallItem(ContractBody):
    """A call that the model made; the arguments are JSON text, as the model wrote it."""

    type: Literal["function_call"]
    call_id: CallId
    name: ToolName
    arguments: Text


class ResultPart(ContractBody):
    """Text of a result."""

    type: Literal["input_text"]
    text: Text


class ResultItem(ContractBody):
    """The result of a call."""

    type: Literal["function_call_output"]
    call_id: CallId
    output: Text | Annotated[list[ResultPart], Field(max_length=MOST_PARTS)]


class ReasoningItem(ContractBody):
    """What a model of others thought; it is not passed on."""

    type: Literal["reasoning"]


def _kind(item: Any) -> str:
    """The type of an item: without one it is a message."""
    kind = item.get("type", "message") if isinstance(item, dict) else getattr(item, "type", "message")
    return kind if isinstance(kind, str) else ""


Item = Annotated[
    Annotated[MessageItem, Tag("message")]
    | Annotated[CallItem, Tag("function_call")]
    | Annotated[ResultItem, Tag("function_call_output")]
    | Annotated[ReasoningItem, Tag("reasoning")],
    Discriminator(_kind),
]


class ToolBody(FunctionBody):
    """A tool that the model may call, and the caller runs."""

    type: Literal["function"]


class NamedToolBody(ContractBody):
    """The one tool that has to be called."""

    type: Literal["function"]
    name: ToolName


class SchemaFormat(JsonSchemaBody):
    """JSON of one schema."""

    type: Literal["json_schema"]


class TextSettings(ContractBody):
    """The form of what is said."""

    format: Annotated[TextFormat | JsonObjectFormat | SchemaFormat, Field(discriminator="type")] | None = None


class ReasoningSettings(ContractBody):
    """How hard the model thinks."""

    effort: Effort | None = None


MetadataName = Annotated[str, StringConstraints(max_length=64)]
MetadataValue = Annotated[str, StringConstraints(max_length=512)]


class ResponseCreate(AnswerBody):
    """A question to a model, or to an agent (``agent:<name or id>``). Nothing of it is kept.

    So there is nothing to go on from: ``previous_response_id``, ``conversation``, ``background`` and ``store`` are
    refused; send all that was said as ``input``.
    """

    harmless = AnswerBody.harmless - {"metadata"} | {"include", "stream_options"}

    input: Text | Annotated[list[Item], Field(min_length=1, max_length=MOST_MESSAGES)]
    instructions: Text | None = None
    store: Literal[False] = Field(False, description="Nothing is kept.")
    background: Literal[False] = Field(False, description="The answer is waited for.")
    truncation: Literal["disabled"] = Field("disabled", description="What is too long is refused.")
    max_output_tokens: MaxTokens | None = None
    reasoning: ReasoningSettings = Field(default_factory=ReasoningSettings)
    text: TextSettings = Field(default_factory=TextSettings)
    tools: list[ToolBody] = Field(default_factory=list, max_length=MOST_TOOLS)
    tool_choice: Literal["auto", "none", "required"] | NamedToolBody | None = None
    metadata: Annotated[dict[MetadataName, MetadataValue], Field(max_length=16)] = Field(default_factory=dict)

    def chosen_tools(self) -> list[ToolDefinition]:
        """What the model may call."""
        return [tool.as_tool() for tool in self.tools]

    def chosen_format(self) -> ResponseFormat | None:
        """The form of the reply."""
        wanted = self.text.format
        if isinstance(wanted, SchemaFormat):
            return JsonSchemaFormat(wanted.name, wanted.schema_, wanted.description, wanted.strict)
        return None if wanted is None else wanted.type

    def tool_to_choose(self) -> ToolChoice | None:
        """Whether the model has to call a tool."""
        if isinstance(self.tool_choice, NamedToolBody):
            return NamedTool(self.tool_choice.name)
        return self.tool_choice
