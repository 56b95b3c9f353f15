"""What can go wrong when a tool runs."""

from crafter.core.errors import BadInput


class ToolFailed(BadInput):
    """The tool could not do what it was asked for; the sentence says why, also to a model."""

    code = "TOOL_FAILED"
    message = "The tool failed"


class ToolNotExecutable(BadInput):
    """The tool works with an agent's settings, so it cannot be executed on its own."""

    code = "TOOL_NOT_EXECUTABLE"
    message = "The tool can only be used by an agent"
