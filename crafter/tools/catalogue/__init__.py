"""The system tools that ship with Crafter, one module per subject."""

from crafter.tools.catalogue.basics import BASIC_TOOLS
from crafter.tools.catalogue.communication import COMMUNICATION_TOOLS
from crafter.tools.catalogue.definition import SystemTool
from crafter.tools.catalogue.knowledge import KNOWLEDGE_TOOLS
from crafter.tools.catalogue.presentations import PRESENTATION_TOOLS
from crafter.tools.catalogue.web import WEB_TOOLS

__all__ = ["SYSTEM_TOOLS", "SystemTool"]

SYSTEM_TOOLS: tuple[SystemTool, ...] = (
    *WEB_TOOLS,
    *BASIC_TOOLS,
    *COMMUNICATION_TOOLS,
    *KNOWLEDGE_TOOLS,
    *PRESENTATION_TOOLS,
)
