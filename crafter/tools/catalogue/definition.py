"""How a system tool is written down."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

JsonSchema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SystemTool:
    """A tool that every deployment has.

    ``description`` and ``parameters`` are shown to models: they decide whether a tool is called at the right
    time and with the right arguments. ``parameters`` and ``returns`` map names to JSON Schemas; arguments of
    other names are refused. ``handler`` is the name under which LLM Crafter knows the code.
    """

    name: str
    display_name: str
    description: str
    category: str
    handler: str
    parameters: Mapping[str, JsonSchema]
    required: tuple[str, ...]
    returns: Mapping[str, JsonSchema]
    version: str = "1.0.0"

    def stored(self) -> dict[str, Any]:
        """The fields of its document that come from code."""
        return {
            "name": self.name,
            "display_name": self.display_name,
            "description": self.description,
            "category": self.category,
            "parameters_schema": {
                "type": "object",
                "properties": dict(self.parameters),
                "required": list(self.required),
                "additionalProperties": False,
            },
            "return_schema": {"type": "object", "properties": dict(self.returns)},
            "implementation": {"type": "internal", "handler": self.handler},
            "is_system_tool": True,
            "version": self.version,
        }
