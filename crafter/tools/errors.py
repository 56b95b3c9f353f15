"""What can go wrong with tools."""

from crafter.core.errors import Forbidden, NotFound


class ToolNotFound(NotFound):
    """There is no such tool, or it is not active."""

    code = "TOOL_NOT_FOUND"
    message = "Tool not found"


class SystemToolReadOnly(Forbidden):
    """System tools come from code; nobody changes them."""

    code = "SYSTEM_TOOL_READ_ONLY"
    message = "Cannot update system tools"
