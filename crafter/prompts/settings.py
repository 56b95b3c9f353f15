"""The parts of a prompt that look the same in the database and on the wire."""

from typing import Any, Literal

from crafter.core.documents import OmitNone, Stored
from crafter.core.schemas import Number

VariableType = Literal["string", "number", "boolean", "array"]


class PromptVariable(Stored):
    """A value that a prompt takes. One without a default value has to be given."""

    name: str
    type: VariableType
    description: OmitNone[str] = None
    default_value: OmitNone[Any] = None


class PromptParameters(Stored):
    """How the model generates; what is absent is the vendor's choice."""

    temperature: OmitNone[Number] = None
    max_tokens: OmitNone[int] = None
    top_p: OmitNone[Number] = None
    frequency_penalty: OmitNone[Number] = None
    presence_penalty: OmitNone[Number] = None


class PromptSettings(Stored):
    """Which model answers the prompt, and how it generates."""

    model: OmitNone[str] = None
    parameters: OmitNone[PromptParameters] = None
