"""Prompts on the wire."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from crafter.api_keys.schemas import KeyProvider
from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import (
    ContractBody,
    Name,
    RequestBody,
    Resource,
    ResponseBody,
    Text,
    WireTime,
    integral,
    says,
)
from crafter.edge.strict_json import check_free_object
from crafter.prompts.documents import MAX_TAGS, MAX_VARIABLES
from crafter.prompts.mustache import MAX_TEMPLATE_BYTES
from crafter.prompts.settings import PromptSettings, PromptVariable, VariableType
from crafter.prompts.variables import fits

NAME_LENGTH = 100


def _blank_is_none(value: Any) -> Any:
    return None if value == "" else value


def _fits_into_a_template(text: str) -> str:
    if len(text.encode()) > MAX_TEMPLATE_BYTES:
        raise ValueError(f"Must be at most {MAX_TEMPLATE_BYTES // 1024} KiB")
    return text


def _without_repetition(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


def _different(variables: list["VariableInput"]) -> list["VariableInput"]:
    if len({variable.name for variable in variables}) < len(variables):
        raise ValueError("The names of the variables must differ")
    return variables


PromptName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH, pattern=r"^[a-z0-9_]+$"),
    Field(examples=["greeting"]),
    says("Name can only contain lowercase letters, numbers, and underscores"),
]
Label = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
"""A name for a version: lower-case letters, digits, ``_`` and ``-``."""
TemplateText = Annotated[str, Field(max_length=MAX_TEMPLATE_BYTES), AfterValidator(_fits_into_a_template)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
Tags = Annotated[list[Tag], Field(max_length=MAX_TAGS), AfterValidator(_without_repetition)]
Penalty = Annotated[float, Field(ge=-2, le=2), AfterValidator(integral)]
OptionalText = Annotated[Annotated[str, Field(max_length=200)] | None, BeforeValidator(_blank_is_none)]


class ParametersInput(ContractBody):
    """How the model generates; replaced as a whole. Other parameters are ignored."""

    temperature: Annotated[float, Field(ge=0, le=1), AfterValidator(integral)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1), AfterValidator(integral)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None


class LlmSettingsInput(ContractBody):
    """The model, and how it generates; what is absent stays, and so does the model for a blank one."""

    model: OptionalText = Field(None, examples=["gpt-4o-mini"])
    parameters: ParametersInput | None = None


class VariableInput(ContractBody):
    """A value that the prompt takes. One without a default value has to be given."""

    name: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH, pattern=r"^[A-Za-z0-9_-]+$")]
    type: VariableType
    description: Text | None = None
    default_value: Any = Field(None, examples=["world"])

    @field_validator("default_value")
    @classmethod
    def _has_the_type(cls, value: Any, info: ValidationInfo) -> Any:
        kind = info.data.get("type")
        if kind is not None and value is not None and not fits(kind, value):
            raise ValueError(f"Must be of the type {kind}")
        return check_free_object(value)


class PromptInput(ContractBody):
    """What creating and changing have in common; what is absent or null stays as it is."""

    title: Name | None = None
    description: Text | None = None
    content: TemplateText | None = Field(None, examples=["Say hello to {{name}}."])
    system_prompt: TemplateText | None = None
    tags: Tags | None = None
    is_template: bool | None = None
    variables: (
        Annotated[list[VariableInput], Field(max_length=MAX_VARIABLES), AfterValidator(_different)] | None
    ) = None


class PromptCreate(PromptInput):
    """A new prompt."""

    name: PromptName


class PromptUpdate(PromptInput):
    """Some fields of a prompt; its name cannot change. Every content that is sent makes a new version."""

    api_key: OptionalText = None
    llm_settings: LlmSettingsInput | None = None


class PromptListQuery(BaseModel):
    """Which prompts to list; in the order of their names."""

    name: Annotated[str, Field(max_length=NAME_LENGTH)] | None = Field(None, description="How it begins.")
    tags: Annotated[list[Annotated[str, Field(max_length=50)]], Field(max_length=MAX_TAGS)] = Field(
        default_factory=list, description="Repeat it for several tags."
    )
    match: Literal["any", "all"] = Field("any", description="How many of the tags a prompt must have.")
    is_template: bool | None = None


class PromptKey(ResponseBody):
    """A prompt's key, with its provider and the models to choose from."""

    stored_id: EntityId = Field(alias="_id")
    name: str
    provider: KeyProvider


class PromptSummary(Resource):
    """A prompt without its texts."""

    name: str
    title: OmitNone[str] = None
    description: OmitNone[str] = None
    project: EntityId
    version: int = 1
    tags: list[str] = Field(default_factory=list)
    is_template: bool = False
    labels: dict[str, int] = Field(default_factory=dict)
    api_key: OmitNone[str | PromptKey] = None
    llm_settings: OmitNone[PromptSettings] = None


class PromptRead(PromptSummary):
    """A prompt. ``api_key`` is an id; after a change the key itself, with its provider."""

    content: OmitNone[str] = None
    system_prompt: OmitNone[str] = None
    variables: list[PromptVariable] = Field(default_factory=list)
    dependants: OmitNone[list[dict[str, Any]]] = Field(
        None, description="After a change: who takes the prompt for their own, and follows it."
    )


class PromptDependants(ResponseBody):
    """Who takes a prompt for their own."""

    dependants: list[dict[str, Any]]


class PromptPage(ResponseBody):
    """A page of a project's prompts, and how many there are, counted up to 10,000."""

    total: int
    page: int
    limit: int
    prompts: list[PromptSummary]


class PromptReference(ResponseBody):
    """A prompt in short, as it stands inside its project."""

    stored_id: EntityId = Field(alias="_id")
    name: str
    description: OmitNone[str] = None
    project: EntityId
    created_at: WireTime | None = Field(None, alias="createdAt")
    updated_at: WireTime | None = Field(None, alias="updatedAt")


class PromptVersionSummary(ResponseBody):
    """A version of a prompt without its texts; ``createdAt`` is when it was made."""

    prompt: EntityId
    number: int
    current: bool
    labels: list[str] = Field(default_factory=list)
    created_at: WireTime | None = Field(None, alias="createdAt")


class PromptVersionRead(PromptVersionSummary):
    """A version of a prompt, with what belonged to it."""

    content: OmitNone[str] = None
    system_prompt: OmitNone[str] = None
    llm_settings: OmitNone[PromptSettings] = None
    variables: list[PromptVariable] = Field(default_factory=list)


class PromptDifference(ResponseBody):
    """What is different between two versions: names of fields, and the texts among them as unified diffs."""

    prompt: EntityId
    before: int
    after: int
    changed: list[str]
    content: OmitNone[str] = None
    system_prompt: OmitNone[str] = None


class RenderBody(RequestBody):
    """The values of the version's variables."""

    variables: Annotated[dict[str, Any], AfterValidator(check_free_object)] = Field(
        default_factory=dict, examples=[{"name": "Ada"}]
    )


class RenderedRead(ResponseBody):
    """The texts of a version, filled in."""

    number: int
    content: str
    system_prompt: OmitNone[str] = None


class LabelBody(RequestBody):
    """The version that gets the label."""

    version: int = Field(ge=1, le=2**31 - 1)


class PromptVersionPage(ResponseBody):
    """A page of a prompt's versions, the newest first."""

    data: list[PromptVersionSummary]
    page: dict[str, object]
