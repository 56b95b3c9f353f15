"""Chat completions as they are asked for."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from crafter.core.schemas import ContractBody
from crafter.llm.base import (
    ChatMessage,
    ImagePart,
    JsonSchemaFormat,
    NamedTool,
    ResponseFormat,
    TextPart,
    ToolCall,
    ToolChoice,
    ToolDefinition,
)
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
    content_of,
)

Penalty = Annotated[float, Field(ge=-2, le=2)]
StopText = Annotated[str, Field(min_length=1, max_length=256)]


class TextPartBody(ContractBody):
    """Text."""

    type: Literal["text"]
    text: Text

    def as_part(self) -> TextPart:
        """What is sent on."""
        return TextPart(self.text)


class RefusalPartBody(ContractBody):
    """What a model said instead of a reply."""

    type: Literal["refusal"]
    refusal: Text

    def as_part(self) -> TextPart:
        """What is sent on."""
        return TextPart(self.refusal)


class ImageAddress(ContractBody):
    """Where an image is, or the image itself."""

    url: ImageUrl
    detail: Detail | None = None


class ImagePartBody(ContractBody):
    """An image."""

    type: Literal["image_url"]
    image_url: ImageAddress

    def as_part(self) -> ImagePart:
        """What is sent on."""
        return ImagePart(self.image_url.url, self.image_url.detail)


TextParts = Annotated[list[TextPartBody], Field(max_length=MOST_PARTS)]
UserPart = Annotated[TextPartBody | ImagePartBody, Field(discriminator="type")]
AssistantPart = Annotated[TextPartBody | RefusalPartBody, Field(discriminator="type")]


class SystemMessage(ContractBody):
    """What the model is told to be."""

    role: Literal["system", "developer"]
    content: Text | TextParts

    def as_message(self) -> ChatMessage:
        """What is sent on."""
        return ChatMessage("system", _content(self.content))


class UserMessage(ContractBody):
    """What a user says and shows."""

    role: Literal["user"]
    content: Text | Annotated[list[UserPart], Field(max_length=MOST_PARTS)]

    def as_message(self) -> ChatMessage:
        """What is sent on."""
        return ChatMessage("user", _content(self.content))


class CalledFunction(ContractBody):
    """What was called; the arguments are JSON text, as the model wrote it."""

    name: ToolName
    arguments: Text


class ToolCallBody(ContractBody):
    """A call that the model made."""

    id: CallId
    type: Literal["function"] = "function"
    function: CalledFunction


class AssistantMessage(ContractBody):
    """What the model said before."""

    role: Literal["assistant"]
    content: Text | Annotated[list[AssistantPart], Field(max_length=MOST_PARTS)] = ""
    refusal: Text | None = None
    tool_calls: list[ToolCallBody] = Field(default_factory=list, max_length=MOST_TOOLS)

    def as_message(self) -> ChatMessage:
        """What is sent on."""
        calls = [ToolCall(call.id, call.function.name, call.function.arguments) for call in self.tool_calls]
        return ChatMessage("assistant", _content(self.content) or self.refusal or "", calls)


class ToolMessage(ContractBody):
    """The result of a call."""

    role: Literal["tool"]
    tool_call_id: CallId
    content: Text | TextParts

    def as_message(self) -> ChatMessage:
        """What is sent on."""
        return ChatMessage("tool", _content(self.content), tool_call_id=self.tool_call_id)


MessageBody = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")
]


class ToolBody(ContractBody):
    """A tool that the model may call, and the caller runs."""

    type: Literal["function"]
    function: FunctionBody


class NamedFunction(ContractBody):
    """The name of a tool."""

    name: ToolName


class NamedToolBody(ContractBody):
    """The one tool that has to be called."""

    type: Literal["function"]
    function: NamedFunction


class SchemaFormat(ContractBody):
    """JSON of one schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchemaBody


class StreamOptions(ContractBody):
    """How it is streamed."""

    include_usage: bool = False


class CompletionCreate(AnswerBody):
    """A question to a model, or to an agent (``agent:<name or id>``)."""

    harmless: ClassVar = AnswerBody.harmless | {"store"}

    messages: list[MessageBody] = Field(min_length=1, max_length=MOST_MESSAGES)
    stream_options: StreamOptions = Field(default_factory=StreamOptions)
    max_tokens: MaxTokens | None = None
    max_completion_tokens: MaxTokens | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    stop: StopText | Annotated[list[StopText], Field(max_length=16)] | None = None
    seed: Annotated[int, Field(ge=-(2**53), le=2**53)] | None = None
    reasoning_effort: Effort | None = None
    response_format: (
        Annotated[TextFormat | JsonObjectFormat | SchemaFormat, Field(discriminator="type")] | None
    ) = None
    tools: list[ToolBody] = Field(default_factory=list, max_length=MOST_TOOLS)
    tool_choice: Literal["auto", "none", "required"] | NamedToolBody | None = None
    n: Literal[1] = Field(1, description="One answer; for more, ask again.")
    logprobs: Literal[False] = Field(False, description="There are none.")
    modalities: list[Literal["text"]] = Field(default_factory=lambda: ["text"], max_length=1)  # type: ignore[arg-type]

    def chosen_tools(self) -> list[ToolDefinition]:
        """What the model may call."""
        return [tool.function.as_tool() for tool in self.tools]

    def chosen_format(self) -> ResponseFormat | None:
        """The form of the reply."""
        if isinstance(self.response_format, SchemaFormat):
            wanted = self.response_format.json_schema
            return JsonSchemaFormat(wanted.name, wanted.schema_, wanted.description, wanted.strict)
        return None if self.response_format is None else self.response_format.type

    def tool_to_choose(self) -> ToolChoice | None:
        """Whether the model has to call a tool."""
        if isinstance(self.tool_choice, NamedToolBody):
            return NamedTool(self.tool_choice.function.name)
        return self.tool_choice


def _content(content: Any) -> str | list[TextPart | ImagePart]:
    return content if isinstance(content, str) else content_of([part.as_part() for part in content])
